#include "ziplora/analyze/spectra.h"

#include <ATen/TensorOperators.h>

#include <cmath>

#include "ziplora/lora/compress.h"

namespace ziplora {

SpectrumSummary summarize_spectrum(const LoraLayer& layer) {
  const at::Tensor energy = singular_values(layer).square();  // [r] float64, largest first
  const double total = energy.sum().item<double>();
  if (total == 0) return {};
  const double largest = energy[0].item<double>();
  const double first_half = energy.narrow(0, 0, (energy.size(0) + 1) / 2).sum().item<double>();
  return {std::sqrt(total), std::sqrt(largest), total / largest, first_half / total};
}

}  // namespace ziplora
