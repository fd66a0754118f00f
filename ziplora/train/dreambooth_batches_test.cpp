#include "ziplora/train/dreambooth_batches.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
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

/// Batches of one grey picture, whose latents are [4, 6, 8].
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

}  // namespace
}  // namespace ziplora
