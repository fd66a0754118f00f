#include "ziplora/lora/compress.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

at::Tensor delta(const LoraLayer& layer) {
  return layer.up.to(at::kDouble).flatten(1).matmul(layer.down.to(at::kDouble).flatten(1)) * layer.scale();
}

// Referee: the SVD of the dense ΔW.
void expect_best_truncation(const LoraLayer& layer, int64_t rank) {
  const at::Tensor whole = delta(layer), s = std::get<1>(at::linalg_svd(whole));
  const CompressedLayer found = compress_layer(layer, rank);
  const double best = s.narrow(0, rank, s.size(0) - rank).norm().item<double>();
  EXPECT_NEAR((whole - delta(found.layer)).norm().item<double>(), best, 1e-5 * s.norm().item<double>());
  EXPECT_NEAR(found.relative_error(), best / s.norm().item<double>(), 1e-6);
  EXPECT_LT((singular_values(layer).narrow(0, 0, rank) - s.narrow(0, 0, rank)).abs().max().item<double>(),
            1e-6);
  EXPECT_EQ(found.layer.rank(), rank);
  const at::Tensor up = found.layer.up.flatten(1).norm(2, {0}),
                   down = found.layer.down.flatten(1).norm(2, {1});
  EXPECT_LT((up - down).abs().max().item<double>(), 1e-5 * up.max().item<double>());
}

TEST(Compress, IsTheBestTruncationOfLinearAndConvolutionLayers) {
  at::Generator generator = make_generator(5);
  expect_best_truncation({at::randn({8, 20}, generator), at::randn({14, 8}, generator), 3.0}, 3);
  expect_best_truncation({at::randn({8, 20}, generator), at::randn({14, 8}, generator), std::nullopt}, 7);
  expect_best_truncation({at::randn({6, 4, 3, 3}, generator), at::randn({10, 6, 1, 1}, generator), 2.0}, 2);
  // more ranks than the layer can have: r > in
  expect_best_truncation({at::randn({12, 5}, generator), at::randn({9, 12}, generator), 2.0}, 4);
}

TEST(Compress, KeepsAnAdapterThatIsSmallEnoughAndReportsTheTotal) {
  at::Generator generator = make_generator(6);
  Adapter adapter;
  adapter.layers["unet.a"] = {at::randn({2, 20}, generator), at::randn({14, 2}, generator), 0.5};
  adapter.layers["unet.b"] = {at::randn({9, 20}, generator), at::randn({14, 9}, generator), 9.0};
  const Compression all = compress(adapter, 9);
  EXPECT_LT(all.relative_error, 1e-7);
  EXPECT_EQ(all.adapter.layers.at("unet.a").rank(), 2);
  const Compression small = compress(adapter, 4);
  EXPECT_LT(small.relative_error_of_layer.at("unet.a"), 1e-7);
  double dropped = 0, total = 0;
  for (const auto& [target, layer] : adapter.layers) {
    dropped += (delta(layer) - delta(small.adapter.layers.at(target))).square().sum().item<double>();
    total += delta(layer).square().sum().item<double>();
  }
  EXPECT_NEAR(small.relative_error, std::sqrt(dropped / total), 1e-6);
  EXPECT_GT(small.relative_error, 0.05);
  EXPECT_THROW(compress(adapter, 0), Error);
}

TEST(Compress, EnergyTakesTheFewestRanksOfEachLayer) {
  at::Generator generator = make_generator(7);
  const LoraLayer layer{at::randn({8, 20}, generator), at::randn({14, 8}, generator), 3.0};
  const at::Tensor energy = singular_values(layer).square();
  for (const double share : {0.5, 0.9, 0.999}) {
    const CompressedLayer found = compress_layer(layer, RankRule{.energy = share});
    const int64_t rank = found.layer.rank();
    const auto kept = [&](int64_t k) {
      return energy.narrow(0, 0, k).sum().item<double>() / energy.sum().item<double>();
    };
    EXPECT_GE(kept(rank), share);
    EXPECT_TRUE(rank == 1 || kept(rank - 1) < share) << rank;
    EXPECT_NEAR(found.relative_error(), std::sqrt(1 - kept(rank)), 1e-9);
    EXPECT_EQ(compress_layer(layer, {.most = 2, .energy = share}).layer.rank(), std::min<int64_t>(2, rank));
  }
  EXPECT_EQ(compress_layer(layer, RankRule{}).layer.rank(), 8);
  const LoraLayer dead{at::zeros({8, 20}), at::zeros({14, 8}), 3.0};
  EXPECT_EQ(compress_layer(dead, RankRule{.energy = 0.9}).layer.rank(), 1);
  for (const double share : {0.0, -1.0, 1.5, std::nan("")})
    EXPECT_THROW(compress({}, RankRule{.energy = share}), Error) << share;
}

TEST(Compress, RoundingIsZeroAndSmallValuesAreNot) {
  at::Generator generator = make_generator(8);
  // a · x − a · x at the size of a convolution of SDXL
  const at::Tensor up = at::randn({640, 32}, generator), down = at::randn({32, 5760}, generator);
  const LoraLayer cancelling{at::cat({down, down}), at::cat({up, -up}, 1), {}};
  EXPECT_EQ(singular_values(cancelling).abs().max().item<double>(), 0);
  // s = (1, 1e-12) is far above rounding
  const at::Tensor q_up = std::get<0>(at::linalg_qr(at::randn({20, 2}, generator, at::kDouble)));
  const at::Tensor q_down = std::get<0>(at::linalg_qr(at::randn({30, 2}, generator, at::kDouble))).t();
  const at::Tensor small = at::tensor({1.0, 1e-12}, at::kDouble);
  EXPECT_NEAR(singular_values({q_down, q_up * small, {}})[1].item<double>(), 1e-12, 1e-15);
  // nor does it matter which factor holds a rank's size
  const at::Tensor uneven = at::tensor({1e8, 1e-8}, at::kDouble);
  EXPECT_NEAR(singular_values({q_down / uneven.unsqueeze(1), q_up * uneven, {}})[1].item<double>(), 1, 1e-6);
}

}  // namespace
}  // namespace ziplora
