#pragma once
/// Which of a merged file's ranks came from which input, where they lie side by side in the inputs' order.
/// The file's metadata keep it as `ziplora.split`, so that an input's strength can be changed after the
/// merge:
///
///     {"roles": ["subject", "style"], "ranks": [8, 4], "other_ranks": {"text_encoder.….q_proj": [8, 0]}}

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/lora/adapter.h"

namespace ziplora {

struct RankSplit {
  std::vector<std::string> roles;  ///< of the inputs: "subject", "style", "adapter"
  std::vector<int64_t> ranks;      ///< of each input in most layers
  /// By canonical target, where a layer has others: 0 for an input that leaves it alone.
  std::map<std::string, std::vector<int64_t>> other_ranks = {};

  const std::vector<int64_t>& of(const std::string& target) const;
};

/// @param roles  one for each of `inputs`
/// @return nothing if a layer of `merged` has another rank than its inputs have together
std::optional<RankSplit> split_of(const std::vector<std::string>& roles,
                                  const std::vector<const Adapter*>& inputs, const Adapter& merged);

/// The value of `ziplora.split`.
std::string to_metadata(const RankSplit& split);

/// True if the file says which of its ranks came from which input, as merges by ziplora do.
bool tells_split(const Adapter& adapter);

/// Multiplies what came from inputs of this role, columns of `up`, by `strength`.
/// @throws Error(kIncompatible) that begins with `where`: the metadata tell no split, or not these layers'
void scale_role(Adapter& adapter, const std::string& role, double strength, const std::string& where);

}  // namespace ziplora
