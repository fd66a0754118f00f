#include "ziplora/lora/peft_config.h"

#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

double alpha_of(const char* json, const std::string& module) {
  return PeftConfig(nlohmann::ordered_json::parse(json), "test").lora_alpha(module, 4);
}

TEST(PeftConfig, OfPatternsThatFitTheFirstInTheFileCounts) {
  const std::string module = "mid_block.attentions.0.transformer_blocks.0.attn1.to_k";
  EXPECT_EQ(alpha_of(R"({"lora_alpha": 1, "alpha_pattern": {"to_k": 5, "attn1.to_k": 7}})", module), 5);
  EXPECT_EQ(alpha_of(R"({"lora_alpha": 1, "alpha_pattern": {"attn1.to_k": 7, "to_k": 5}})", module), 7);
  EXPECT_EQ(alpha_of(R"({"lora_alpha": 1, "alpha_pattern": {"to_q": 7}})", module), 1);
}

TEST(PeftConfig, RankStabilisedScaleIsAlphaOverTheRootOfTheRank) {
  EXPECT_EQ(alpha_of(R"({"lora_alpha": 3, "use_rslora": true})", "proj_in"), 6);
}

TEST(PeftConfig, PatternsAreAnObject) {
  EXPECT_THROW(alpha_of(R"({"lora_alpha": 1, "alpha_pattern": [4]})", "proj_in"), Error);
}

}  // namespace
}  // namespace ziplora
