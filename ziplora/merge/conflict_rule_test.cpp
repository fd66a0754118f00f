// The thresholds' two sides, and the scale of energies whose value is known.
#include "ziplora/merge/conflict_rule.h"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

namespace ziplora {
namespace {

TEST(ConflictRule, EachBlendHasItsPlace) {
  EXPECT_EQ(blend_of({.excess = 0.05, .cosine = 0.8, .overlap = 0.9}, 0.8), Blend::kConsensus);
  EXPECT_EQ(blend_of({.excess = 0.05, .cosine = 0.8, .overlap = 0.3}, 0.8), Blend::kSlerp);
  EXPECT_EQ(blend_of({.excess = 0.40, .cosine = 0.8, .overlap = 0.9}, 0.8), Blend::kTies);
  EXPECT_EQ(blend_of({.excess = 0.40, .cosine = 0.1, .overlap = 0.1}, 0.1), Blend::kSlerp);
  EXPECT_EQ(blend_of({.excess = 0.40, .cosine = 0.1, .overlap = 0.5}, 0.1), Blend::kTies);
  EXPECT_EQ(blend_of({.excess = 0.00, .cosine = 0.1, .overlap = 0.1}, -0.01), Blend::kAverage);
}

TEST(ConflictRule, OverlapDiscountsConflictAndNoOverlapDoesNot) {
  EXPECT_EQ(blend_of({.excess = 0.30, .cosine = 0.4, .overlap = 0.0}, 0.4), Blend::kTies);
  EXPECT_EQ(blend_of({.excess = 0.30, .cosine = 0.4, .overlap = 0.2}, 0.4), Blend::kSlerp);
}

TEST(ConflictRule, BlocksEndAtTheFirstNumber) {
  EXPECT_EQ(smoothing_block("lora_unet_input_blocks_4_1_proj_in"), "input_blocks_4");
  EXPECT_EQ(smoothing_block("lora_te2_text_model_encoder_layers_11_mlp_fc1"), "text_model_encoder_layers_11");
  EXPECT_EQ(smoothing_block("lora_te2_text_projection"), "text_projection");
}

TEST(ConflictRule, AQuarterOfAMeasureIsItsBlocks) {
  const auto smoothed =
      smoothed_over_blocks({{"a", 3, {.excess = 0.8}}, {"a", 1, {.excess = 0}}, {"b", 1, {.excess = 0.5}}});
  EXPECT_NEAR(smoothed[0].excess, 0.75 * 0.8 + 0.25 * 0.6, 1e-12);
  EXPECT_NEAR(smoothed[1].excess, 0.25 * 0.6, 1e-12);
  EXPECT_EQ(smoothed[2].excess, 0.5);
}

TEST(ConflictRule, TheSumIsAsLargeAsItsLargestTerm) {
  const auto scale = [](double dot, std::vector<double> strengths) {
    return energy_scale(strengths, at::tensor({1.0, dot, dot, 1.0}, at::kDouble).view({2, 2}));
  };
  EXPECT_NEAR(scale(1, {1, 1}), 0.5, 1e-12);
  EXPECT_NEAR(scale(0.5, {1, 1}), 1 / std::sqrt(3), 1e-12);
  EXPECT_NEAR(scale(0, {1, 1}), 0.85, 1e-12);  // 1/√2 but for the floor
  EXPECT_EQ(scale(-0.8, {1, 1}), 1);
  EXPECT_NEAR(scale(-0.5, {1, -1}), 1 / std::sqrt(3), 1e-12);
  EXPECT_EQ(scale(0.5, {1, 0}), 1);
}

}  // namespace
}  // namespace ziplora
