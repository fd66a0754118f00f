#pragma once
/// Which ranks of a merged file came from which input, where they lie side by side in the inputs' order. The
/// file's metadata keep this as `ziplora.split`, so that the strength of an input can still be changed after
/// the merge:
///
///     {"roles": ["subject", "style"], "ranks": [8, 4], "other_ranks": {"text_encoder.….q_proj": [8, 0]}}

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/lora/adapter.h"
#include "ziplora/lora/role.h"

namespace ziplora {

struct RankSplit {
  /// Of each input.
  std::vector<Role> roles;
  /// Of each input, in most layers.
  std::vector<int64_t> ranks;
  /// By canonical target, where a layer has other ranks: 0 for an input that does not touch it.
  std::map<std::string, std::vector<int64_t>> other_ranks = {};

  const std::vector<int64_t>& of(const std::string& target) const;
};

/// @param roles  one for each of `inputs`
/// @return nothing if the rank of any layer of `merged` is not the sum of its inputs' ranks
std::optional<RankSplit> split_of(const std::vector<Role>& roles, const std::vector<const Adapter*>& inputs,
                                  const Adapter& merged);

/// The value of `ziplora.split`.
std::string to_metadata(const RankSplit& split);

/// True if the file records which of its ranks came from which input, as merges by ziplora do.
bool tells_split(const Adapter& adapter);

/// Multiplies the columns of `up` that came from inputs of this role by `strength`.
/// @throws Error(kIncompatible) that begins with `where`: the metadata record no split, or one of other ranks
void scale_role(Adapter& adapter, Role role, double strength, const std::string& where);

}  // namespace ziplora
