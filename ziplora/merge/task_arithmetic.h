#pragma once
/// TIES and DARE as functions tensor → tensor, which know nothing of adapters: what `ties`, `dare-linear`,
/// `dare-ties` and `magnitude-prune` do with K tensors of one shape, be they factors or whole deltas.
///
///     at::Tensor merged = disjoint_mean(kept * weights, elected_signs(kept, MajoritySign::kTotal));
///
/// Sources: TIES (arXiv 2306.01708), DARE (arXiv 2311.03099); where the papers leave a choice, the one of
/// huggingface/peft, peft/utils/merge_utils.py 0.21. Proven: tests/parity/test_merge_equations.py

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ziplora {

/// Zeroes all but the ⌊density · n⌋ values of largest magnitude.
at::Tensor keep_largest(const at::Tensor& values, double density);

/// Keeps each value with probability `density` and divides it by density, so that the mean stays.
/// @param density  above 0
/// @param seed     of the numbers that choose
at::Tensor keep_random(const at::Tensor& values, double density, uint64_t seed);

enum class MajoritySign {
  kTotal,      ///< of the sum of the values
  kFrequency,  ///< of the sum of their signs
};

/// Where a value has the sign that its place elects over all K tensors; a tie elects plus, zeros never have
/// it.
/// @param stacked  [K, …]
/// @return         [K, …] bool
at::Tensor elected_signs(const at::Tensor& stacked, MajoritySign majority);

/// The sum over K of what the mask holds, divided by how many those are: [K, …] → […].
at::Tensor disjoint_mean(const at::Tensor& stacked, const at::Tensor& mask);

}  // namespace ziplora
