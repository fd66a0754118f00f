#include "ziplora/lora/attention_projection.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

TEST(AttentionProjection, IsQKVAndOutOfBothAttentions) {
  const std::string block = "unet.mid_block.attentions.0.transformer_blocks.0.";
  for (const char* projection : {"to_q", "to_k", "to_v", "to_out.0"}) {
    EXPECT_TRUE(is_attention_projection(block + "attn1." + projection)) << projection;
    EXPECT_TRUE(is_attention_projection(block + "attn2." + projection)) << projection;
    EXPECT_FALSE(is_cross_attention_projection(block + "attn1." + projection)) << projection;
    EXPECT_TRUE(is_cross_attention_projection(block + "attn2." + projection)) << projection;
    const std::string_view reads_prompt = projection;
    EXPECT_EQ(is_prompt_projection(block + "attn2." + projection),
              reads_prompt == "to_k" || reads_prompt == "to_v");
    EXPECT_FALSE(is_prompt_projection(block + "attn1." + projection)) << projection;
  }
}

TEST(AttentionProjection, IsNothingElseOfATransformer) {
  for (const char* path :
       {"mid_block.attentions.0.proj_in", "mid_block.resnets.0.conv1",
        "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj",
        "mid_block.attentions.0.transformer_blocks.0.norm2", "vae.decoder.mid_block.attentions.0.to_q"})
    EXPECT_FALSE(is_attention_projection(path)) << path;
}

}  // namespace
}  // namespace ziplora
