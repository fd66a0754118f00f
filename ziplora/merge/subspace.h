#pragma once
/// The subspaces that an adapter's layer lives in, and how to remove them from another layer's factors. ΔW =
/// up @ down reads its inputs only along the rows of `down` and writes only along the columns of `up`. So
/// either removal changes one thin factor and stays exact at the same rank; ΔW is never built.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "ziplora/lora/adapter.h"

namespace ziplora {

enum class Side {
  kInput,   ///< row space of ΔW: what it reads
  kOutput,  ///< column space of ΔW: what it writes
};

/// The principal directions of a layer's ΔW on that side: the singular vectors with the largest singular
/// values, by QR of the factors.
/// @param most  at most this many; absent: all whose singular value is above 1e-6 of the largest
/// @return      orthonormal columns [in·kh·kw, k] or [out, k] float64
at::Tensor principal_directions(const LoraLayer& layer, Side side, std::optional<int64_t> most);

/// The layer without the given share of what lies along `directions`, whose columns are Q:
///
///     kInput     ΔW (I − share · QQᵀ)
///     kOutput    (I − share · QQᵀ) ΔW
///
/// @param share  1 removes all of it
/// @return       float32 factors, same rank and lora_alpha
LoraLayer without_directions(const LoraLayer& layer, Side side, const at::Tensor& directions, double share);

}  // namespace ziplora
