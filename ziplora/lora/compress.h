#pragma once
/// Lowers the rank of an adapter by truncated SVD, layer by layer, from the factors alone: up = Q_u R_u,
/// downᵀ = Q_d R_d, SVD of the small R_u R_dᵀ. By Eckart–Young no adapter of that rank is nearer to ΔW in the
/// Frobenius norm. A dense ΔW is never built. What has no factors yet: factorize.h.
///
///     Compression small = compress(merged, 32);
///     small.relative_error;   // ‖ΔW − ΔW_32‖ / ‖ΔW‖ over all layers
///     compress(merged, {.most = 64, .energy = 0.99});   // per layer: the fewest ranks that keep 99 % of
///     ‖ΔW‖²

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>

#include "ziplora/lora/adapter.h"

namespace ziplora {

/// How many singular values of a layer stay.
struct RankRule {
  int64_t most = std::numeric_limits<int64_t>::max();
  double energy = 1.0;  ///< the share of ‖ΔW‖², that is of Σ s², which must stay as far as `most` allows

  /// @throws Error(kUsage) unless most ≥ 1 and 0 < energy ≤ 1
  void check() const;
  /// @param singular_values  largest first
  /// @return at least 1, so that a layer stays a layer
  int64_t kept(const at::Tensor& singular_values) const;
};

struct CompressedLayer {
  LoraLayer layer;          ///< float32, up = U√S, down = √S Vᵀ (balanced), lora_alpha = rank
  double norm = 0;          ///< ‖ΔW‖_F before
  double dropped_norm = 0;  ///< ‖ΔW − ΔW_rank‖_F
  double relative_error() const { return norm > 0 ? dropped_norm / norm : 0; }
};

/// A layer whose rank is low enough already comes back with its ΔW unchanged and its own rank. Singular
/// values within double precision's rounding of the layer's terms count as zero.
CompressedLayer compress_layer(const LoraLayer& layer, const RankRule& rule);
inline CompressedLayer compress_layer(const LoraLayer& layer, int64_t rank) {
  return compress_layer(layer, RankRule{.most = rank});
}

struct Compression {
  Adapter adapter;
  std::map<std::string, double> relative_error_of_layer;  ///< by canonical target
  double relative_error = 0;                              ///< of all layers' ΔW taken as one vector
};

/// @param before_layer  is called before each layer; what it throws ends the compression
/// @throws Error(kUsage) as RankRule::check
Compression compress(
    const Adapter& adapter, const RankRule& rule, const std::function<void()>& before_layer = [] {});
inline Compression compress(const Adapter& adapter, int64_t rank) {
  return compress(adapter, RankRule{.most = rank});
}

/// The singular values of ΔW, largest first, [min(rank, in, out)] float64.
at::Tensor singular_values(const LoraLayer& layer);

}  // namespace ziplora
