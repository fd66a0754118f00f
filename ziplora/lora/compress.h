#pragma once
/// Lowers the rank of an adapter by truncated SVD, layer by layer, from the factors alone: up = Q_u R_u,
/// downᵀ = Q_d R_d, SVD of the small R_u R_dᵀ. By Eckart–Young no adapter of that rank is nearer to ΔW in the
/// Frobenius norm. A dense ΔW is never built.
///
///     Compression small = compress(merged, 32);
///     small.relative_error;   // ‖ΔW − ΔW_32‖ / ‖ΔW‖ over all layers

#include <map>
#include <string>

#include "ziplora/lora/adapter.h"

namespace ziplora {

struct CompressedLayer {
  LoraLayer layer;          ///< float32, up = U√S, down = √S Vᵀ (balanced), lora_alpha = rank
  double norm = 0;          ///< ‖ΔW‖_F before
  double dropped_norm = 0;  ///< ‖ΔW − ΔW_rank‖_F
  double relative_error() const { return norm > 0 ? dropped_norm / norm : 0; }
};

/// A layer whose rank is `rank` or less already comes back with its ΔW unchanged and its own rank.
CompressedLayer compress_layer(const LoraLayer& layer, int64_t rank);

struct Compression {
  Adapter adapter;
  std::map<std::string, double> relative_error_of_layer;  ///< by canonical target
  double relative_error = 0;                              ///< of all layers' ΔW taken as one vector
};

/// @throws Error(kUsage) if rank < 1
Compression compress(const Adapter& adapter, int64_t rank);

/// The singular values of ΔW, largest first, [min(rank, in, out)] float64.
at::Tensor singular_values(const LoraLayer& layer);

}  // namespace ziplora
