#include "ziplora/train/dreambooth_batches.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

constexpr int64_t kRows = 512;

AutoencoderKLConfig tiny_config() {
  AutoencoderKLConfig config;
  config.block_out_channels = {8, 8};
  config.layers_per_block = 1;
  config.norm_num_groups = 4;
  return config;
}

/// Batches of one grey image, whose latents are [4, 6, 8].
class DreamBoothBatchesTest : public testing::Test {
 protected:
  DreamBoothBatchesTest() { initialize(vae_, make_generator(1)); }

  TrainingBatch batch(double noise_offset) {
    NullProgress progress;
    const CancelToken never;
    const CroppedImage grey{at::full({3, 12, 16}, 0.5), {12, 16}, 0, 0};
    const LatentCache cache(vae_, {{"grey", {grey}}}, at::kCPU, false, progress, never);
    const PromptEmbeddings prompts{at::zeros({1, 5, 12}), at::zeros({1, 8})};
    return DreamBoothBatches(cache, no_class_, prompts, {0},
                             {.batch_size = kRows, .noise_offset = noise_offset, .seed = 3})
        .batch(7);
  }

  AutoencoderKL vae_{tiny_config()};
  const std::vector<LatentCache> no_class_;
};

TEST_F(DreamBoothBatchesTest, TheNoiseOffsetIsAConstantOfEachRowAndChannel) {
  const TrainingBatch plain = batch(0), shifted = batch(0.3);
  EXPECT_TRUE(at::equal(plain.latents, shifted.latents)) << "the posterior has the same draws";
  const at::Tensor offset = (shifted.noise - plain.noise).to(at::kDouble);  // [B, C, h, w]
  ASSERT_EQ(offset.sizes(), at::IntArrayRef({kRows, 4, 6, 8}));
  EXPECT_LT((offset.amax({2, 3}) - offset.amin({2, 3})).max().item<double>(), 2e-6);  // rounding of float32

  const at::Tensor constants = offset.mean(at::IntArrayRef({2, 3}));  // [B, C], from N(0, 0.3²)
  EXPECT_NEAR(constants.mean().item<double>(), 0, 0.02);
  for (const int64_t over : {0, 1})  // rows, channels
    EXPECT_NEAR(std::sqrt(constants.var(at::IntArrayRef(over), /*unbiased=*/true).mean().item<double>()), 0.3,
                0.02)
        << "over dimension " << over;
}

TEST_F(DreamBoothBatchesTest, EachRowIsToldItsOwnViewsSizeAndCrop) {
  NullProgress progress;
  const CancelToken never;
  // Views that differ in every number, black and white, so that a row's latents tell which one it is.
  const CroppedImage black{at::zeros({3, 12, 16}), {30, 50}, 1, 2},
      white{at::ones({3, 12, 16}), {31, 51}, 3, 4};
  const LatentCache cache(vae_, {{"both", {black, white}}}, at::kCPU, false, progress, never);
  const PromptEmbeddings prompts{at::zeros({1, 5, 12}), at::zeros({1, 8})};
  const TrainingBatch batch =
      DreamBoothBatches(cache, no_class_, prompts, {0}, {.batch_size = 64, .seed = 3}).batch(0);
  const LatentCache::Rows views = cache.rows({0, 0}, {0, 1});
  int64_t whites = 0;
  for (int64_t row = 0; row < 64; ++row) {
    const auto distance = [&](int64_t view) {
      return ((batch.latents[row] - views.mean[view]) / views.standard_deviation[view])
          .square()
          .mean()
          .item<double>();
    };
    const bool is_white = distance(1) < distance(0);
    EXPECT_NEAR(distance(is_white), 1, 0.5) << "drawn from that view's posterior";
    const at::Tensor expected = is_white ? at::tensor({31., 51., 3., 4., 12., 16.}, at::kFloat)
                                         : at::tensor({30., 50., 1., 2., 12., 16.}, at::kFloat);
    EXPECT_TRUE(at::equal(batch.time_ids[row], expected)) << "row " << row;
    whites += is_white;
  }
  EXPECT_NEAR(static_cast<double>(whites), 32, 16);
}

TEST_F(DreamBoothBatchesTest, EachClassImageComesWithItsOwnPrompt) {
  NullProgress progress;
  const CancelToken never;
  const auto image = [](const char* name, const at::Tensor& image) {
    return TrainingImage{name, {CroppedImage{image, {12, 16}, 0, 0}}};
  };
  const at::Tensor black = at::zeros({3, 12, 16}), white = at::ones({3, 12, 16});
  const LatentCache instance(vae_, {image("grey", at::full({3, 12, 16}, 0.5))}, at::kCPU, false, progress,
                             never);
  // Two prompts in turn: black images show the first of them, white ones the second.
  const std::vector<LatentCache> of_class{LatentCache(
      vae_, {image("0", black), image("1", white), image("2", black)}, at::kCPU, false, progress, never)};
  const at::Tensor caption_black_white = at::tensor({-1., 0., 1.}, at::kFloat);
  const PromptEmbeddings prompts{caption_black_white.view({3, 1, 1}).expand({3, 5, 12}),
                                 caption_black_white.view({3, 1}).expand({3, 8})};
  const TrainingBatch batch =
      DreamBoothBatches(instance, of_class, prompts, {0}, {.batch_size = 48, .seed = 3}).batch(0);
  ASSERT_EQ(batch.instance_rows, 48);
  const LatentCache::Rows black_white = of_class.front().rows({0, 1}, {0, 0});
  int64_t whites = 0;
  for (int64_t row = 0; row < 96; ++row) {
    const auto distance = [&](int64_t shown) {
      return (batch.latents[row] - black_white.mean[shown]).square().sum().item<double>();
    };
    const bool is_white = distance(1) < distance(0);
    const double prompt = batch.pooled_prompt_embeds[row][0].item<double>();
    EXPECT_EQ(prompt, row < 48 ? -1. : is_white ? 1. : 0.) << "row " << row;
    EXPECT_EQ(batch.prompt_embeds[row][4][11].item<double>(), prompt);
    whites += row >= 48 && is_white;
  }
  EXPECT_EQ(whites, 16) << "a third of them";
}

}  // namespace
}  // namespace ziplora
