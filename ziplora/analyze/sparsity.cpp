#include "ziplora/analyze/sparsity.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "ziplora/merge/dense_delta.h"

namespace ziplora {
namespace {

using Shares = std::array<double, kZeroedShares.size()>;

/// @param energies  reordered: each share is selected among what the one before left, so the whole is linear
Shares kept_of(std::vector<float>& energies) {
  Shares dropped{};
  double sum = 0;
  auto begin = energies.begin();
  for (size_t i = 0; i < kZeroedShares.size(); ++i) {
    const auto end =
        energies.begin() + static_cast<int64_t>(kZeroedShares[i] * static_cast<double>(energies.size()));
    std::nth_element(begin, end, energies.end());
    sum = std::accumulate(begin, end, sum);
    dropped[i] = sum;
    begin = end;
  }
  const double whole = std::accumulate(begin, energies.end(), sum);
  Shares kept{};
  for (size_t i = 0; i < kept.size(); ++i) kept[i] = 1 - dropped[i] / whole;
  return kept;
}

Shares kept_of(const at::Tensor& energies) {
  const at::Tensor flat = energies.to(at::kFloat).contiguous();
  std::vector<float> values(flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel());
  return kept_of(values);
}

}  // namespace

KeptEnergy kept_energy(const LoraLayer& layer) {
  const at::Tensor energies = dense_delta(layer).flatten(1).square();
  return {.values = kept_of(energies.flatten()), .columns = kept_of(energies.sum(0))};
}

}  // namespace ziplora
