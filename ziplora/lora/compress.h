#pragma once
/// Lowers the rank of an adapter by truncated SVD, layer by layer, from the factors alone: up = Q_u R_u,
/// downᵀ = Q_d R_d, then the SVD of the small R_u R_dᵀ. ΔW is never built. By Eckart–Young no adapter of that
/// rank is nearer to ΔW in the Frobenius norm. factorize.h does the same for a ΔW that has no factors yet.
///
///     const Compression small = compress(merged, 32);
///     small.relative_error;  // ‖ΔW − ΔW_32‖ / ‖ΔW‖ over all layers
///     // of each layer the fewest ranks that keep 99 % of ‖ΔW‖², at most 64:
///     compress(merged, {.most = 64, .energy = 0.99});

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>

#include "ziplora/lora/adapter.h"

namespace ziplora {

/// How many singular values of a layer are kept.
struct RankRule {
  int64_t most = std::numeric_limits<int64_t>::max();
  double energy = 1.0;  ///< the share of ‖ΔW‖² = Σ s² to keep, as far as `most` allows

  /// @param where  opens the error message
  /// @throws Error(kUsage) unless most ≥ 1 and 0 < energy ≤ 1
  void check(const std::string& where) const;
  /// @param singular_values  largest first
  /// @return at least 1, so that the layer does not vanish
  int64_t kept(const at::Tensor& singular_values) const;
};

struct CompressedLayer {
  LoraLayer layer;          ///< float32, up = U√S, down = √S Vᵀ (balanced), lora_alpha = rank
  double norm = 0;          ///< ‖ΔW‖_F before
  double dropped_norm = 0;  ///< ‖ΔW − ΔW_rank‖_F
  double relative_error() const { return norm > 0 ? dropped_norm / norm : 0; }
};

/// A layer whose rank is low enough already keeps its rank and its ΔW. Singular values that are no larger
/// than the rounding of the layer's terms in double precision count as zero.
CompressedLayer compress_layer(const LoraLayer& layer, const RankRule& rule);
inline CompressedLayer compress_layer(const LoraLayer& layer, int64_t rank) {
  return compress_layer(layer, RankRule{.most = rank});
}

struct Compression {
  Adapter adapter;
  std::map<std::string, double> relative_error_of_layer;  ///< by canonical target
  double relative_error = 0;                              ///< of all layers' ΔW taken as one vector
};

/// @param before_layer  called before each layer; an exception from it ends the compression
/// @throws Error(kUsage) as RankRule::check
Compression compress(
    const Adapter& adapter, const RankRule& rule, const std::function<void()>& before_layer = [] {});
inline Compression compress(const Adapter& adapter, int64_t rank) {
  return compress(adapter, RankRule{.most = rank});
}

/// The singular values of ΔW, largest first, [min(rank, in, out)] float64.
at::Tensor singular_values(const LoraLayer& layer);

}  // namespace ziplora
