#include "ziplora/analyze/spectra.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_matrix_norm.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randn.h>

#include <cmath>
#include <utility>

#include "ziplora/base/rng.h"
#include "ziplora/lora/compress.h"

namespace ziplora {
namespace {

constexpr int64_t kBlock = 8, kPowerSteps = 8;

bool is_identity(const at::Tensor& factor) {
  return factor.size(0) == factor.size(1) && factor.equal(at::eye(factor.size(0), factor.options()));
}

/// Summed in double, because a float32 sum of six million squares is wrong in the fourth digit.
double norm_of(const at::Tensor& x) {
  return at::linalg_vector_norm(x, 2, at::OptionalIntArrayRef(), false, at::kDouble).item<double>();
}

/// ‖up @ down‖_F without the product: ‖AB‖² = ⟨AᵀA, BBᵀ⟩.
double product_norm(const at::Tensor& up, const at::Tensor& down) {
  if (is_identity(down)) return norm_of(up);
  if (is_identity(up)) return norm_of(down);
  const at::Tensor of_up = up.t().matmul(up), of_down = down.matmul(down.t());  // [r, r]
  return std::sqrt(std::max(0.0, (of_up * of_down).sum(at::kDouble).item<double>()));
}

at::Tensor orthonormal(const at::Tensor& columns) { return std::get<0>(at::linalg_qr(columns)); }

/// A lower bound of the largest singular value of up @ down.
double largest_singular_value(const at::Tensor& up, const at::Tensor& down) {
  at::Generator random = make_generator(0);
  at::Tensor columns = at::randn({down.size(1), kBlock}, random, down.options());
  for (int64_t step = 0; step < kPowerSteps; ++step) {
    const at::Tensor left = orthonormal(up.matmul(down.matmul(columns)));  // [out, block]
    columns = orthonormal(down.t().matmul(up.t().matmul(left)));           // [in, block]
  }
  return at::linalg_matrix_norm(up.matmul(down.matmul(columns)), 2).item<double>();
}

SpectrumSummary from_below(const LoraLayer& layer) {
  const at::Tensor up = layer.up.to(at::kFloat).flatten(1), down = layer.down.to(at::kFloat).flatten(1);
  const double scale = std::abs(layer.scale()), norm = scale * product_norm(up, down);
  if (norm == 0) return {};
  const double largest = scale * largest_singular_value(up, down);
  return {norm, largest, norm * norm / (largest * largest), std::nullopt};
}

}  // namespace

SpectrumSummary summarize_spectrum(const LoraLayer& layer) {
  if (layer.rank() > kMostExactRank) return from_below(layer);
  const at::Tensor energy = singular_values(layer).square();  // [r] float64, largest first
  const double total = energy.sum().item<double>();
  if (total == 0) return {};
  const double largest = energy[0].item<double>();
  const double first_half = energy.narrow(0, 0, (energy.size(0) + 1) / 2).sum().item<double>();
  return {std::sqrt(total), std::sqrt(largest), total / largest, first_half / total};
}

}  // namespace ziplora
