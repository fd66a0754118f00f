#pragma once
/// TIES and DARE as functions from tensors to tensors, which know nothing of adapters: what `ties`,
/// `dare-linear`, `dare-ties` and `magnitude-prune` do with K tensors of one shape, whether factors or whole
/// deltas.
///
///     at::Tensor merged = disjoint_mean(kept * weights, elected_signs(kept, MajoritySign::kTotal));
///
/// Sources: TIES (arXiv 2306.01708), DARE (arXiv 2311.03099); where the papers leave a choice, it is made as
/// in huggingface/peft, peft/utils/merge_utils.py 0.21. Proven: tests/parity/test_merge_equations.py

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ziplora {

/// Zeroes all but the ⌊density · n⌋ values of largest magnitude, at least one if the density is above 0: small matrices would be left with
/// nothing.
at::Tensor keep_largest(const at::Tensor& values, double density);

/// Keeps each value with probability `density` and divides it by `density`, which preserves the mean.
/// @param density  above 0
/// @param seed     of the random choice
at::Tensor keep_random(const at::Tensor& values, double density, uint64_t seed);

enum class MajoritySign {
  kTotal,      ///< of the sum of the values
  kFrequency,  ///< of the sum of their signs
};

/// Where a value has the sign that its place elects over all K tensors. A tie elects plus; zeros never have
/// the elected sign.
/// @param stacked  [K, …]
/// @return         [K, …] bool
at::Tensor elected_signs(const at::Tensor& stacked, MajoritySign majority);

/// The mean over K of the values in the mask: [K, …] → […]; 0 where the mask is empty.
at::Tensor disjoint_mean(const at::Tensor& stacked, const at::Tensor& mask);

}  // namespace ziplora
