#include "ziplora/analyze/layer_place.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

void expect_place(const char* target, const char* block, const char* module, const char* part) {
  const LayerPlace place = place_of(target);
  EXPECT_EQ(place.block, block);
  EXPECT_EQ(place.module, module);
  EXPECT_EQ(place.part, part);
}

TEST(LayerPlace, IsTheInnermostNumberedModule) {
  expect_place("unet.down_blocks.1.attentions.0.transformer_blocks.3.attn1.to_out.0", "down 1",
               "down_blocks.1.attentions.0.transformer_blocks.3", "attn1.to_out.0");
  expect_place("unet.up_blocks.0.resnets.2.time_emb_proj", "up 0", "up_blocks.0.resnets.2", "time_emb_proj");
  expect_place("unet.mid_block.attentions.0.proj_in", "mid", "mid_block.attentions.0.transformer_blocks.0",
               "proj_in");
  expect_place("text_encoder_2.text_model.encoder.layers.31.mlp.fc1", "text 2",
               "text_model.encoder.layers.31", "mlp.fc1");
  expect_place("unet.conv_in", "ends", "", "conv_in");
  expect_place("unet.time_embedding.linear_1", "ends", "", "time_embedding.linear_1");
}

}  // namespace
}  // namespace ziplora
