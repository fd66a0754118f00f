#pragma once
/// The frame of the merges that act on single values (TIES, DARE, pruning). Each works on either of two
/// readings:
///
///     --on delta     on ΔW of each layer, with the strengths w_k; ΔW then has full rank, and an SVD turns it
///                    back into factors, and the report tells each layer's relative error (PEFT's `ties_svd`)
///     --on factors   on `down` and on `up` separately, with √|w_k s_k|; fast, but ranks must be equal, and
///                    there are cross terms as in `linear` (PEFT's `ties`)
///
/// ΔW is the default because the papers speak of it; signs and magnitudes of a factor's values depend on a
/// basis that training chose at random. Dense work goes layer by layer: some seconds each on full SDXL.

#include <cstdint>
#include <functional>
#include <vector>

#include "ziplora/merge/merge_method.h"

namespace ziplora {

/// What stays of one input's values: float32, in their shape.
/// @param seed  of the random numbers for these values, the same on every run
using Keep = std::function<at::Tensor(const at::Tensor& values, uint64_t seed)>;

enum class Mix {
  kSum,          ///< Σ_k w_k T_k
  kElectedMean,  ///< the mean over those with the elected sign (TIES)
};

/// A method is two choices.
struct TensorCombination {
  Keep keep;
  Mix mix;
};

/// The rows `density`, `on`, those of factor_size.h, and `majority-sign` where signs are elected.
std::vector<MergeOption> combination_table(Mix mix);

/// The option `density`.
/// @throws Error(kUsage) unless it is in (0, 1]
double density_of(const nlohmann::json& options);

/// keep_largest and keep_random (task_arithmetic.h) with the option `density`.
/// @throws as density_of
Keep largest_of(const nlohmann::json& options);
Keep random_of(const nlohmann::json& options);

/// A single adapter is pruned as asked. (PEFT then switches to `linear` and ignores the density.)
/// @throws Error(kUsage) if `--on factors` comes with a size of factors; Error(kIncompatible) if ranks differ
///         then
MergeResult combine_adapters(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                             MergeContext& context, TensorCombination combination);

}  // namespace ziplora
