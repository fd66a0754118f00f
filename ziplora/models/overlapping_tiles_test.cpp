#include "ziplora/models/overlapping_tiles.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

// Whole autoencoders are compared with diffusers' tiling in tests/parity/test_autoencoder.py.

namespace ziplora {
namespace {

at::Tensor random_latents(int64_t height, int64_t width) {
  return at::rand({1, 2, height, width}, make_generator(1));
}

/// Each element becomes a square of them.
at::Tensor enlarged(const at::Tensor& x, int64_t scale) {
  return x.repeat_interleave(scale, 2).repeat_interleave(scale, 3);
}

TEST(OverlappingTiles, AnImageNoLargerThanATileIsASingleTile) {
  int calls = 0;
  const auto count = [&](const at::Tensor& tile) { return ++calls, tile; };
  const at::Tensor latents = random_latents(8, 8);
  EXPECT_TRUE(in_overlapping_tiles(latents, {8, 1, 1}, count).equal(latents));
  EXPECT_EQ(calls, 1);
}

TEST(OverlappingTiles, WhatDependsOnNoNeighbourComesOutAsInOnePass) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{8, 20}, {13, 9}, {12, 12}}) {
    const at::Tensor latents = random_latents(height, width);
    const at::Tensor larger =
        in_overlapping_tiles(latents, {8, 1, 2}, [](const at::Tensor& tile) { return enlarged(tile, 2); });
    ASSERT_EQ(larger.sizes(), (std::vector<int64_t>{1, 2, 2 * height, 2 * width}));
    EXPECT_LT((larger - enlarged(latents, 2)).abs().max().item<float>(), 1e-6f);
    const at::Tensor smaller = in_overlapping_tiles(  // as the encoder: input larger than output
        enlarged(latents, 2), {8, 2, 1},
        [](const at::Tensor& tile) { return tile.slice(2, 0, {}, 2).slice(3, 0, {}, 2).clone(); });
    EXPECT_LT((smaller - latents).abs().max().item<float>(), 1e-6f);
  }
}

TEST(OverlappingTiles, ATileFadesInOverAQuarter) {
  double value = 0;
  const auto constant = [&](const at::Tensor& tile) {
    return at::full({1, 1, 4 * tile.size(2), 4 * tile.size(3)}, ++value);
  };
  // Two tiles: latents 0…3 are 1, latents 3…5 are 2.
  const at::Tensor output = in_overlapping_tiles(random_latents(3, 6), {4, 1, 4}, constant);
  EXPECT_EQ(value, 2);
  const at::Tensor line = output[0][0][5];
  EXPECT_TRUE(line.narrow(0, 0, 12).eq(1).all().item<bool>());
  EXPECT_TRUE(line.narrow(0, 12, 4).equal(at::tensor({1.0f, 1.25f, 1.5f, 1.75f})));
  EXPECT_TRUE(line.narrow(0, 16, 8).eq(2).all().item<bool>());
}

TEST(OverlappingTiles, ATileMustDivideIntoQuarters) {
  for (const int64_t size : {0, 2, 6}) {
    try {
      in_overlapping_tiles(random_latents(8, 8), {size, 1, 1}, [](const at::Tensor& tile) { return tile; });
      FAIL() << "tiles of " << size;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_EQ(error.hint(), "give a multiple of 4");
    }
  }
}

}  // namespace
}  // namespace ziplora
