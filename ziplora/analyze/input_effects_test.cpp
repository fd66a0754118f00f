#include "ziplora/analyze/input_effects.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"
#include "ziplora/merge/dense_delta.h"

namespace ziplora {
namespace {

TEST(InputEffects, AreTheMeansOverTheInputs) {
  at::Generator generator = make_generator(1);
  const auto random = [&](int64_t rows, int64_t columns) {
    return at::randn({rows, columns}, generator, at::kDouble);
  };
  const LoraLayer a{random(3, 7), random(5, 3), -1.5}, b{random(2, 7), random(5, 2), std::nullopt};
  const at::Tensor x = random(40, 7), weight = random(5, 7), moments = x.t().matmul(x) / 40;
  const at::Tensor of_a = x.matmul(dense_delta(a).to(at::kDouble).t()),
                   of_b = x.matmul(dense_delta(b).to(at::kDouble).t());
  EXPECT_NEAR(effect_product(a, b, moments), (of_a * of_b).sum(1).mean().item<double>(), 1e-4);
  const double expected = x.matmul(weight.t()).square().sum(1).mean().item<double>();
  EXPECT_NEAR(squared_output(weight, moments), expected, 1e-5 * expected);
}

}  // namespace
}  // namespace ziplora
