#include "ziplora/merge/overlap.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

Adapter adapter_on(const std::map<std::string, int64_t>& widths) {
  Adapter adapter;
  for (const auto& [target, width] : widths)
    adapter.layers[target] = {at::zeros({1, width}), at::zeros({1, 1}), std::nullopt};
  return adapter;
}

// Two layers of width 2 and 3; m_c = (1, −2 | 0, 1, 2), m_s = (3, 1 | 5, −1, 1).
struct TwoLayers {
  TwoLayers() {
    coefficients.values =
        at::tensor({1.0f, -2.0f, 0.0f, 1.0f, 2.0f, 3.0f, 1.0f, 5.0f, -1.0f, 1.0f}).view({2, 5});
  }
  std::vector<double> per_layer(const char* reading) const {
    const OverlapTerm term(coefficients.layout, find_overlap_reading(reading), at::kFloat);
    const at::Tensor values = term.per_layer(coefficients.values).to(at::kDouble);
    return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
  }
  Adapter subject = adapter_on({{"a", 2}, {"b", 3}}), style = adapter_on({{"a", 2}, {"b", 3}});
  MergerCoefficients coefficients{MergerLayout({&subject, &style}, [](const std::string&) { return true; })};
};

TEST(Overlap, ReadingsAreWhatTheirNamesSay) {
  const TwoLayers two;
  EXPECT_NEAR(two.per_layer("mean-products")[0], (3 + 2) / 2.0, 1e-6);
  EXPECT_NEAR(two.per_layer("mean-products")[1], (0 + 1 + 2) / 3.0, 1e-6);
  EXPECT_NEAR(two.per_layer("sum-products")[0], 5, 1e-6);
  EXPECT_NEAR(two.per_layer("dot-product")[0], std::abs(3 - 2), 1e-6);
  EXPECT_NEAR(two.per_layer("dot-product")[1], std::abs(0 - 1 + 2), 1e-6);
  EXPECT_NEAR(two.per_layer("cosine")[0], 1 / std::sqrt(5.0 * 10.0), 1e-6);
}

TEST(Overlap, CosineHasNoGradientAtTheStartAndTheOthersDo) {
  for (const OverlapReading& reading : overlap_readings()) {
    TwoLayers two;
    two.coefficients.values = at::ones({2, 5}).set_requires_grad(true);
    const OverlapTerm term(two.coefficients.layout, reading, at::kFloat);
    term.per_layer(two.coefficients.values).sum().backward();
    const double largest = two.coefficients.values.grad().abs().max().item<double>();
    if (std::string(reading.name) == "cosine")
      EXPECT_LT(largest, 1e-6);
    else
      EXPECT_GT(largest, 0.1) << reading.name;
  }
}

TEST(Overlap, CountsOnlyLayersThatBothAdaptersTouchAndEveryPair) {
  const Adapter first = adapter_on({{"a", 2}}), second = adapter_on({{"a", 2}, {"b", 3}}), third = second;
  const MergerCoefficients coefficients(
      MergerLayout({&first, &second, &third}, [](const std::string&) { return true; }));
  const OverlapTerm term(coefficients.layout, find_overlap_reading("mean-products"), at::kFloat);
  const at::Tensor per_layer = term.per_layer(coefficients.values).detach();
  EXPECT_NEAR(per_layer[0].item<float>(), 3, 1e-6);  // pairs 12, 13, 23
  EXPECT_NEAR(per_layer[1].item<float>(), 1, 1e-6);  // pair 23
  const at::Tensor per_adapter = term.per_adapter(coefficients.values).detach();
  const at::Tensor expected = at::tensor({2.0f, 0.0f, 2.0f, 1.0f, 2.0f, 1.0f}).view({3, 2});
  EXPECT_LT((per_adapter - expected).abs().max().item<float>(), 1e-6);
}

TEST(Overlap, UnknownReadingProposesTheNearest) {
  try {
    find_overlap_reading("mean-product");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.hint(), "did you mean 'mean-products'?");
  }
}

}  // namespace
}  // namespace ziplora
