#pragma once
/// The frame of the merges that act on single values (TIES, DARE, pruning), on either of two readings:
///
///     --on delta     on ΔW of each layer, w_k as weight; ΔW then has full rank, so an SVD brings it back to
///                    factors, with the relative error of each layer in the report (PEFT's `ties_svd`, …)
///     --on factors   on down and on up apart from each other, √|w_k s_k| as weights (PEFT's `ties`, …);
///                    fast, ranks must be equal, and cross terms as in `linear`
///
/// ΔW is the default: it is what the papers speak of, while signs and magnitudes of a factor's values depend
/// on a basis that training chose at random. Dense work goes layer by layer: on full SDXL some seconds each.

#include <cstdint>
#include <functional>
#include <vector>

#include "ziplora/merge/merge_method.h"

namespace ziplora {

/// What stays of one input's values: float32, in their shape.
/// @param seed  of the random numbers for these values, equal on every run
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

/// `density`, `on`, those of factor_size.h, and `majority-sign` where signs are elected.
std::vector<MergeOption> combination_options(Mix mix);

/// The option `density`.
/// @throws Error(kUsage) unless it is in (0, 1]
double density_of(const nlohmann::json& options);

/// keep_largest and keep_random (task_arithmetic.h) of the option `density`.
/// @throws as density_of
Keep largest_of(const nlohmann::json& options);
Keep random_of(const nlohmann::json& options);

/// One adapter is pruned as asked (PEFT turns to `linear` then, and ignores the density).
/// @throws Error(kUsage) for a size of factors that no one asked for (`--on factors`);
///         Error(kIncompatible) if ranks differ with `--on factors`
MergeResult combine_adapters(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                             MergeContext& context, TensorCombination combination);

}  // namespace ziplora
