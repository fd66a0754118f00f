#pragma once
/// What a comparison comes to, checked before any work: the manifest, the contenders, the pairs of this part.
///
///     const EvaluatePlan plan = plan_of(request);

#include <optional>
#include <string>
#include <vector>

#include "ziplora/app/evaluate.h"

namespace ziplora {

struct EvaluatePlan {
  Manifest manifest;  ///< in which pairs of groups that are not asked for only lend their true images
  std::vector<Contender> contenders;
  std::vector<size_t> pairs;  ///< to draw: those of the shard
  /// As Judge takes them.
  std::vector<std::string> judges;
  std::optional<FollowedProtocol> protocol;
};

/// @throws Error(kUsage, kInput) for what is wrong with the manifest, the contenders, their options, or the request
EvaluatePlan plan_of(const EvaluateRequest& request);

}  // namespace ziplora
