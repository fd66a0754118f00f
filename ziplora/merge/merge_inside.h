#pragma once
/// What `knots` and `core-space` do in the basis that they find: each input's ΔW is a smaller matrix there,
/// all of one shape, and these are merged as `ties`, `dare-ties` or the sum merge whole deltas.
///
///     const MergeInside merge(options, context.seed);
///     const at::Tensor merged = merge(target, parts, matrices);

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ziplora/merge/layer_parts.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/task_arithmetic.h"
#include "ziplora/merge/tensor_combination.h"

namespace ziplora {

/// The rows `inside`, and `density` and `majority-sign` as `ties` has them.
std::vector<MergeOption> merge_inside_table();

class MergeInside {
 public:
  /// @throws Error(kUsage) unless the density is a share
  MergeInside(const nlohmann::json& options, uint64_t seed);

  /// Strengths multiply; as in `ties`, they have no vote.
  /// @param values  one for each part, without its strength
  at::Tensor operator()(const std::string& target, const LayerParts& parts,
                        const std::vector<at::Tensor>& values) const;

 private:
  const bool adds_;
  const Keep keep_;
  const MajoritySign majority_;
  const uint64_t seed_;
};

}  // namespace ziplora
