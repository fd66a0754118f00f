#include "ziplora/merge/block_weights.h"

#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

double weight(const std::string& text, const std::string& target) {
  return BlockWeights::parse(text, "test").of(*TargetNames::sdxl().find(target));
}

const std::string kIn04 = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q";
const std::string kIn06 = "unet.down_blocks.1.downsamplers.0.conv";
const std::string kMid = "unet.mid_block.attentions.0.proj_in";
const std::string kOut00 = "unet.up_blocks.0.attentions.0.transformer_blocks.3.ff.net.2";
const std::string kOut01 = "unet.up_blocks.0.attentions.1.proj_out";
const std::string kOut00Resnet = "unet.up_blocks.0.resnets.0.conv1";
const std::string kOut05 = "unet.up_blocks.1.attentions.2.proj_in";
const std::string kText = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj";

TEST(BlockWeights, CountsBlocksAsKohyaDoes) {
  const TargetNames& names = TargetNames::sdxl();
  EXPECT_EQ(block_of(*names.find(kIn04)), "IN04");
  EXPECT_EQ(block_of(*names.find(kIn06)), "IN06");
  EXPECT_EQ(block_of(*names.find(kMid)), "MID");
  EXPECT_EQ(block_of(*names.find(kOut00)), "OUT00");
  EXPECT_EQ(block_of(*names.find("unet.up_blocks.0.upsamplers.0.conv")), "OUT02");
  EXPECT_EQ(block_of(*names.find(kOut05)), "OUT05");
  EXPECT_EQ(block_of(*names.find("unet.up_blocks.2.resnets.2.conv1")), "OUT08");
  EXPECT_EQ(block_of(*names.find("unet.time_embedding.linear_1")), "IN00");
  EXPECT_EQ(block_of(*names.find(kText)), "BASE");
}

TEST(BlockWeights, ListsSkipTheBlocksThatKohyasListsSkip) {
  const std::string twelve = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.0,1.1,1.2";
  EXPECT_EQ(weight(twelve, kText), 0.1);
  EXPECT_EQ(weight(twelve, kIn04), 0.2);
  EXPECT_EQ(weight(twelve, kMid), 0.6);
  EXPECT_EQ(weight(twelve, kOut00), 0.7);
  EXPECT_EQ(weight(twelve, kOut05), 1.2);
  EXPECT_EQ(weight(twelve, kIn06), 1.0);  // not in the list

  std::string twenty, all = "[0";
  for (int i = 0; i < 20; ++i) twenty += (i ? "," : "") + std::to_string(i);
  for (int i = 1; i < 26; ++i) all += ", " + std::to_string(i);
  EXPECT_EQ(weight(twenty, kIn06), 7);
  EXPECT_EQ(weight(twenty, kMid), 10);
  EXPECT_EQ(weight(twenty, kOut05), 16);
  EXPECT_EQ(weight(all + "]", kMid), 13);
  EXPECT_EQ(weight(all + "]", kOut01), 15);
  const std::string seventeen = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17";
  EXPECT_EQ(weight(seventeen, kIn04), 4);
  EXPECT_EQ(weight(seventeen, kMid), 8);
  EXPECT_EQ(weight(seventeen, kOut05), 11);
  EXPECT_EQ(weight(seventeen, kOut00), 1.0);
}

TEST(BlockWeights, TheMostSpecialNameWins) {
  const std::string text = "unet.up_blocks.0=0.3,OUT00=0.2,unet.up_blocks.0.attentions.0=0.7,rest=0";
  EXPECT_EQ(weight(text, kOut00), 0.7);
  EXPECT_EQ(weight(text, kOut00Resnet), 0.3);
  EXPECT_EQ(weight(text, kOut01), 0.3);
  EXPECT_EQ(weight(text, kOut05), 0);
  EXPECT_EQ(weight("OUT00=0.2", kOut00Resnet), 0.2);
  EXPECT_EQ(weight("OUT00=0.2", kMid), 1);
  // A path ends at a dot: attentions.1 is not attentions.10.
  EXPECT_EQ(weight("unet.up_blocks.0.attention=0", kOut00), 1);
}

TEST(BlockWeights, APathThatNothingLiesInIsASlip) {
  const auto slip = [](const std::string& text) -> std::string {
    try {
      BlockWeights::parse(text, "test").require_paths_in(TargetNames::sdxl(), "merge: --style-blocks");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.where() + " | " + error.problem() + " | " + error.hint();
    }
    return "";
  };
  EXPECT_EQ(slip("unet.up_blocks.0.attention.1=0"),
            "merge: --style-blocks | no layer lies in 'unet.up_blocks.0.attention.1' | did you mean "
            "'unet.up_blocks.0.attentions.1'?");
  EXPECT_NE(slip("unet.up_blocks.=0").find("no layer lies in"), std::string::npos);
  EXPECT_NE(slip(kOut01 + ".weight=0").find("did you mean '" + kOut01 + "'?"), std::string::npos);
  for (const std::string& path : {kOut01, kText, std::string("unet"), std::string("text_encoder_2"),
                                  std::string("unet.mid_block.resnets.0.norm1")})
    EXPECT_EQ(slip(path + "=0"), "") << path;
  for (const char* text : {"content", "style", "all", "IN04=0.5"}) EXPECT_EQ(slip(text), "") << text;
}

TEST(BlockWeights, KnowBLorasChoice) {
  EXPECT_EQ(weight("content", kOut00), 1);
  EXPECT_EQ(weight("content", kOut01), 0);
  EXPECT_EQ(weight("content", kOut00Resnet), 0);
  EXPECT_EQ(weight("style", kOut01), 1);
  EXPECT_EQ(weight("style", kOut00), 0);
  EXPECT_EQ(weight("all", kText), 1);
}

TEST(BlockWeights, SlipsAreNamed) {
  const auto hint = [](const std::string& text) -> std::string {
    try {
      BlockWeights::parse(text, "merge: --style-blocks");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.problem() + " | " + error.hint();
    }
    return "";
  };
  EXPECT_NE(hint("1,1,1").find("found 3 weights, a list has 12, 17, 20 or 26"), std::string::npos);
  EXPECT_NE(hint("IN4=1").find("did you mean 'IN04'?"), std::string::npos);
  EXPECT_NE(hint("OUT00=x").find("'x' is not a number"), std::string::npos);
  EXPECT_NE(hint("OUT00=1,MID").find("'MID' has no weight"), std::string::npos);
  EXPECT_NE(hint("stlye").find("did you mean 'style'?"), std::string::npos);
  EXPECT_NE(hint("").find("there is no ''"), std::string::npos);
  EXPECT_NE(hint("1,1,1,1,1,1,1,1,1,1,1,nan").find("'nan' is not a number"), std::string::npos);
}

}  // namespace
}  // namespace ziplora
