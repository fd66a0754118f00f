// Every kind's factors against its formula written out densely, at random shapes, linear and convolution.
#include <ATen/TensorOperators.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/kron.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

struct DeltaKindsTest : ::testing::Test {
  at::Generator generator = make_generator(5);
  at::Tensor random(std::vector<int64_t> shape) { return at::randn(shape, generator, at::kDouble); }
  static TargetName target(std::vector<int64_t> weight_shape) {
    return {"unet.layer", "unet", "layer", "layer", TargetKind::kOther, std::move(weight_shape)};
  }
  static void expect_delta(const DeltaParts& parts, std::optional<double> alpha, const at::Tensor& wanted,
                           const char* kind_name) {
    const TargetName layer_target = target(wanted.sizes().vec());
    const DeltaKind& kind = find_delta_kind(parts);
    ASSERT_STREQ(kind.name, kind_name);
    ASSERT_TRUE(kind.missing(parts).empty());
    const LoraLayer layer = kind.to_factors(parts, alpha, layer_target);
    EXPECT_LE(layer.rank(), std::min(wanted.size(0), wanted.numel() / wanted.size(0)));
    const at::Tensor found =
        layer.up.to(at::kDouble).flatten(1).matmul(layer.down.to(at::kDouble).flatten(1)) * layer.scale();
    const at::Tensor flat = wanted.flatten(1);
    EXPECT_LE((found - flat).norm().item<double>(), 1e-6 * flat.norm().item<double>()) << kind_name;
  }
};

TEST_F(DeltaKindsTest, LoconWithACore) {
  const at::Tensor up = random({10, 3, 1, 1}), mid = random({3, 3, 3, 3}), down = random({3, 7, 1, 1});
  const at::Tensor wanted = at::einsum("om,mnkl,ni->oikl", {up.flatten(1), mid, down.flatten(1)}) * (2.0 / 3);
  expect_delta({{"up", up}, {"mid", mid}, {"down", down}}, 2.0, wanted, "LoRA");
}

TEST_F(DeltaKindsTest, LohaOfLowAndOfMoreThanFullRank) {
  for (const int64_t rank : {2, 5}) {
    const at::Tensor a1 = random({9, rank}), b1 = random({rank, 12}), a2 = random({9, rank}),
                     b2 = random({rank, 12});
    const DeltaParts parts{{"hada_w1_a", a1}, {"hada_w1_b", b1}, {"hada_w2_a", a2}, {"hada_w2_b", b2}};
    const at::Tensor wanted = a1.matmul(b1) * a2.matmul(b2);
    expect_delta(parts, 3.0, wanted * (3.0 / static_cast<double>(rank)), "LoHa");
    expect_delta(parts, std::nullopt, wanted, "LoHa");
    expect_delta(parts, 1.0, (wanted / static_cast<double>(rank)).view({9, 3, 2, 2}), "LoHa");
  }
}

TEST_F(DeltaKindsTest, LohaWithCores) {
  const at::Tensor a1 = random({2, 9}), b1 = random({2, 5}), a2 = random({2, 9}), b2 = random({2, 5}),
                   t1 = random({2, 2, 3, 3}), t2 = random({2, 2, 3, 3});
  const auto side = [](const at::Tensor& t, const at::Tensor& a, const at::Tensor& b) {
    return at::einsum("pqkl,po,qi->oikl", {t, a, b});
  };
  const at::Tensor wanted = side(t1, a1, b1) * side(t2, a2, b2) * 0.5;
  expect_delta({{"hada_w1_a", a1},
                {"hada_w1_b", b1},
                {"hada_w2_a", a2},
                {"hada_w2_b", b2},
                {"hada_t1", t1},
                {"hada_t2", t2}},
               1.0, wanted, "LoHa");
}

TEST_F(DeltaKindsTest, LokrInEveryFactoring) {
  const at::Tensor w1 = random({2, 3}), w1_a = random({2, 1}), w1_b = random({1, 3}), w2 = random({5, 4}),
                   w2_a = random({5, 2}), w2_b = random({2, 4});
  const at::Tensor low1 = w1_a.matmul(w1_b), low2 = w2_a.matmul(w2_b);
  // Whole sides take no alpha; of two factored ones the second's rank counts.
  expect_delta({{"lokr_w1", w1}, {"lokr_w2", w2}}, 7.0, at::kron(w1, w2), "LoKr");
  expect_delta({{"lokr_w1", w1}, {"lokr_w2_a", w2_a}, {"lokr_w2_b", w2_b}}, 3.0, at::kron(w1, low2) * 1.5,
               "LoKr");
  expect_delta({{"lokr_w1_a", w1_a}, {"lokr_w1_b", w1_b}, {"lokr_w2", w2}}, 3.0, at::kron(low1, w2) * 3.0,
               "LoKr");
  expect_delta({{"lokr_w1_a", w1_a}, {"lokr_w1_b", w1_b}, {"lokr_w2_a", w2_a}, {"lokr_w2_b", w2_b}},
               std::nullopt, at::kron(low1, low2), "LoKr");
}

TEST_F(DeltaKindsTest, LokrOfAConvolution) {
  const at::Tensor w1 = random({2, 3}), w2 = random({5, 4, 3, 3}), a = random({2, 5}), b = random({2, 4}),
                   t2 = random({2, 2, 3, 3}), flat_a = random({5, 2}), flat_b = random({2, 4 * 9});
  const at::Tensor unit = w1.view({2, 3, 1, 1});
  expect_delta({{"lokr_w1", w1}, {"lokr_w2", w2}}, 1.0, at::kron(unit, w2), "LoKr");
  expect_delta({{"lokr_w1", w1}, {"lokr_t2", t2}, {"lokr_w2_a", a}, {"lokr_w2_b", b}}, 1.0,
               at::kron(unit, at::einsum("pqkl,po,qi->oikl", {t2, a, b}).contiguous()) * 0.5, "LoKr");
  expect_delta({{"lokr_w1", w1}, {"lokr_w2_a", flat_a}, {"lokr_w2_b", flat_b}}, 1.0,
               at::kron(unit, flat_a.matmul(flat_b).view({5, 4, 3, 3})) * 0.5, "LoKr");
}

TEST_F(DeltaKindsTest, FullDifferenceTakesNoAlpha) {
  for (const at::Tensor& delta : {random({6, 9}), random({9, 6}), random({6, 2, 3, 3})})
    expect_delta({{"diff", delta}}, 4.0, delta, "full difference");
}

TEST_F(DeltaKindsTest, AWholeWeightTakesThePlaceOfTheBases) {
  for (const at::Tensor& whole : {random({6, 9}), random({6, 2, 3, 3})}) {
    const DeltaParts parts{{"set_weight", whole}};
    const DeltaKind& kind = find_delta_kind(parts);
    ASSERT_TRUE(kind.missing(parts).empty());
    const BaseBoundLayer layer = kind.bind(parts, 4.0, target(whole.sizes().vec()));
    const at::Tensor weight = at::randn(whole.sizes(), generator, at::kFloat);
    EXPECT_LT((weight.flatten(1) + layer.delta(weight) - whole.flatten(1)).abs().max().item<double>(), 1e-12);
    EXPECT_THROW(kind.bind(parts, 4.0, target({9, 6})), Error);
  }
}

TEST_F(DeltaKindsTest, SaysWhichPartsAreMissing) {
  const at::Tensor any = random({2, 2});
  const auto missing = [](const DeltaParts& parts) { return find_delta_kind(parts).missing(parts); };
  using Names = std::vector<std::string>;
  EXPECT_EQ(missing({{"up", any}}), Names{"down"});
  EXPECT_EQ(missing({}), (Names{"down", "up"}));
  EXPECT_EQ(missing({{"hada_w1_a", any}, {"hada_w2_a", any}, {"hada_t1", any}}),
            (Names{"hada_w1_b", "hada_w2_b", "hada_t2"}));
  EXPECT_EQ(missing({{"lokr_w2_b", any}}), (Names{"lokr_w1", "lokr_w2_a"}));
  EXPECT_THROW(find_delta_kind({{"up", any}, {"lokr_w1", any}}), Error);
}

TEST_F(DeltaKindsTest, RefusesShapesThatFitNeitherEachOtherNorTheLayer) {
  struct Case {
    DeltaParts parts;
    ErrorKind error;
  };
  const std::vector<Case> cases{
      {{{"up", random({6, 2})}, {"down", random({3, 9})}}, ErrorKind::kInput},
      {{{"up", random({6, 2})}, {"down", random({2, 8})}}, ErrorKind::kIncompatible},
      {{{"up", random({6, 2})}, {"mid", random({2, 3, 1, 1})}, {"down", random({2, 9})}}, ErrorKind::kInput},
      {{{"hada_w1_a", random({6, 2})},
        {"hada_w1_b", random({3, 9})},
        {"hada_w2_a", random({6, 2})},
        {"hada_w2_b", random({2, 9})}},
       ErrorKind::kInput},
      {{{"hada_w1_a", random({6, 0})},
        {"hada_w1_b", random({0, 9})},
        {"hada_w2_a", random({6, 0})},
        {"hada_w2_b", random({0, 9})}},
       ErrorKind::kInput},
      {{{"lokr_w1", random({2, 2})}, {"lokr_w2", random({3, 4})}}, ErrorKind::kIncompatible},
      {{{"lokr_w1", random({2, 3})}, {"lokr_w2_a", random({3, 2})}, {"lokr_w2_b", random({1, 3})}},
       ErrorKind::kInput},
      {{{"diff", random({9, 6})}}, ErrorKind::kIncompatible},
  };
  for (const Case& wrong : cases) {
    try {
      find_delta_kind(wrong.parts).to_factors(wrong.parts, 1.0, target({6, 9}));
      ADD_FAILURE() << wrong.parts.begin()->first << ": no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), wrong.error) << error.what();
      EXPECT_FALSE(error.hint().empty());
    }
  }
}

}  // namespace
}  // namespace ziplora
