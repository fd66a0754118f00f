#include "ziplora/lora/target_names.h"

#include <gtest/gtest.h>

#include <set>

namespace ziplora {
namespace {

int64_t count(const std::function<bool(const TargetName&)>& wanted) {
  const auto& targets = TargetNames::sdxl().targets();
  return std::count_if(targets.begin(), targets.end(), wanted);
}
bool in_unet(const TargetName& target) { return target.component == "unet"; }

// The module counts that kohya-ss/sd-scripts prints when it creates networks for SDXL base.
TEST(TargetNames, CountsOfSdxl) {
  const auto kind = [](std::set<TargetKind> kinds) {
    return count([&](const TargetName& target) { return in_unet(target) && kinds.count(target.kind); });
  };
  EXPECT_EQ(kind({TargetKind::kAttention}), 560);
  EXPECT_EQ(kind({TargetKind::kAttention, TargetKind::kFeedForward, TargetKind::kProjection}), 722);
  EXPECT_EQ(kind({TargetKind::kResnet}), 62);
  EXPECT_EQ(kind({TargetKind::kSampler}), 4);
  EXPECT_EQ(kind({TargetKind::kOther}), 6);  // conv_in, conv_out, time_embedding and add_embedding
  EXPECT_EQ(count([](const TargetName& target) { return target.component == "text_encoder"; }), 72);
  EXPECT_EQ(count([](const TargetName& target) { return target.component == "text_encoder_2"; }),
            193);  // with its projection
}

TEST(TargetNames, EveryNameIsFoundAndUnique) {
  const TargetNames& names = TargetNames::sdxl();
  std::set<std::string> sgm, diffusers;
  for (const TargetName& target : names.targets()) {
    EXPECT_EQ(names.find(target.canonical), &target);
    EXPECT_EQ(names.find_flattened(target.flattened_sgm()), &target) << target.canonical;
    EXPECT_EQ(names.find_flattened(target.flattened_diffusers()), &target) << target.canonical;
    EXPECT_TRUE(sgm.insert(target.flattened_sgm()).second) << target.canonical;
    EXPECT_TRUE(diffusers.insert(target.flattened_diffusers()).second) << target.canonical;
  }
}

TEST(TargetNames, NormsOfSdxl) {
  const TargetNames& names = TargetNames::sdxl();
  // 70 transformer blocks of 3, 11 transformers, 17 resnets of 2, the last one; 12 and 32 encoder layers of
  // 2.
  EXPECT_EQ(names.norms().size(), 70u * 3 + 11 + 17 * 2 + 1 + 12 * 2 + 1 + 32 * 2 + 1);
  const std::vector<std::pair<const char*, const char*>> pairs{
      {"unet.down_blocks.1.resnets.0.norm1", "lora_unet_input_blocks_4_0_in_layers_0"},
      {"unet.up_blocks.2.resnets.2.norm2", "lora_unet_output_blocks_8_0_out_layers_0"},
      {"unet.mid_block.attentions.0.norm", "lora_unet_middle_block_1_norm"},
      {"unet.down_blocks.2.attentions.1.transformer_blocks.9.norm3",
       "lora_unet_input_blocks_8_1_transformer_blocks_9_norm3"},
      {"unet.conv_norm_out", "lora_unet_out_0"},
      {"text_encoder.text_model.final_layer_norm", "lora_te1_text_model_final_layer_norm"},
      {"text_encoder_2.text_model.encoder.layers.31.layer_norm2",
       "lora_te2_text_model_encoder_layers_31_layer_norm2"}};
  for (const auto& [canonical, flattened] : pairs) {
    const TargetName* norm = names.find_flattened(flattened);
    ASSERT_NE(norm, nullptr) << flattened;
    EXPECT_EQ(norm->canonical, canonical);
    EXPECT_TRUE(norm->is_norm());
    EXPECT_EQ(names.find_flattened(norm->flattened_diffusers()), norm);
  }
  EXPECT_FALSE(names.find("unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q")->has_bias);
  EXPECT_TRUE(names.find("unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0")->has_bias);
}

struct Example {
  const char *canonical, *flattened;
  std::vector<int64_t> shape;
};

// Written out by hand from published files.
TEST(TargetNames, KnownPairs) {
  const TargetNames& names = TargetNames::sdxl();
  const std::vector<Example> examples{
      {"unet.down_blocks.1.attentions.0.transformer_blocks.1.attn1.to_q",
       "lora_unet_input_blocks_4_1_transformer_blocks_1_attn1_to_q",
       {640, 640}},
      {"unet.down_blocks.2.attentions.1.transformer_blocks.9.attn2.to_k",
       "lora_unet_input_blocks_8_1_transformer_blocks_9_attn2_to_k",
       {1280, 2048}},
      {"unet.mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj",
       "lora_unet_middle_block_1_transformer_blocks_0_ff_net_0_proj",
       {10240, 1280}},
      {"unet.up_blocks.1.attentions.2.transformer_blocks.1.attn1.to_out.0",
       "lora_unet_output_blocks_5_1_transformer_blocks_1_attn1_to_out_0",
       {640, 640}},
      {"unet.down_blocks.0.resnets.0.conv1", "lora_unet_input_blocks_1_0_in_layers_2", {320, 320, 3, 3}},
      {"unet.down_blocks.0.resnets.1.time_emb_proj", "lora_unet_input_blocks_2_0_emb_layers_1", {320, 1280}},
      {"unet.down_blocks.1.resnets.0.conv_shortcut",
       "lora_unet_input_blocks_4_0_skip_connection",
       {640, 320, 1, 1}},
      {"unet.mid_block.resnets.1.conv2", "lora_unet_middle_block_2_out_layers_3", {1280, 1280, 3, 3}},
      {"unet.down_blocks.0.downsamplers.0.conv", "lora_unet_input_blocks_3_0_op", {320, 320, 3, 3}},
      {"unet.up_blocks.0.upsamplers.0.conv", "lora_unet_output_blocks_2_2_conv", {1280, 1280, 3, 3}},
      {"unet.up_blocks.1.upsamplers.0.conv", "lora_unet_output_blocks_5_2_conv", {640, 640, 3, 3}},
      {"unet.up_blocks.2.resnets.2.conv1", "lora_unet_output_blocks_8_0_in_layers_2", {320, 640, 3, 3}},
      {"unet.add_embedding.linear_1", "lora_unet_label_emb_0_0", {1280, 2816}},
      {"unet.time_embedding.linear_2", "lora_unet_time_embed_2", {1280, 1280}},
      {"unet.conv_in", "lora_unet_input_blocks_0_0", {320, 4, 3, 3}},
      {"unet.conv_out", "lora_unet_out_2", {4, 320, 3, 3}},
      {"text_encoder.text_model.encoder.layers.0.self_attn.q_proj",
       "lora_te1_text_model_encoder_layers_0_self_attn_q_proj",
       {768, 768}},
      {"text_encoder_2.text_model.encoder.layers.31.mlp.fc1",
       "lora_te2_text_model_encoder_layers_31_mlp_fc1",
       {5120, 1280}},
  };
  for (const Example& example : examples) {
    const TargetName* target = names.find(example.canonical);
    ASSERT_NE(target, nullptr) << example.canonical;
    EXPECT_EQ(target->flattened_sgm(), example.flattened);
    EXPECT_EQ(target->weight_shape, example.shape) << example.canonical;
  }
  EXPECT_EQ(names.find_flattened("lora_unet_up_blocks_1_attentions_2_transformer_blocks_1_attn1_to_out_0"),
            names.find("unet.up_blocks.1.attentions.2.transformer_blocks.1.attn1.to_out.0"));
  EXPECT_EQ(names.find_sgm("input_blocks.4.1.proj_in"),
            names.find("unet.down_blocks.1.attentions.0.proj_in"));
  EXPECT_EQ(names.find_flattened("lora_unet_down_blocks_0_attentions_0_proj_in"), nullptr);  // SD1.5's
}

TEST(TargetNames, SmallerTopologyFollowsTheSameRules) {
  UNet2DConditionConfig config;
  config.block_out_channels = {32, 64};
  config.down_block_types = {"DownBlock2D", "CrossAttnDownBlock2D"};
  config.up_block_types = {"CrossAttnUpBlock2D", "UpBlock2D"};
  config.layers_per_block = {1, 2};
  config.transformer_layers_per_block = {1, 1};
  config.num_attention_heads = {1, 2};
  const TargetNames names(config, {}, {});
  const auto sgm = [&](const char* path) { return names.find(std::string("unet.") + path)->sgm_path; };
  EXPECT_EQ(sgm("down_blocks.0.downsamplers.0.conv"), "input_blocks.2.0.op");
  EXPECT_EQ(sgm("down_blocks.1.attentions.1.proj_out"), "input_blocks.4.1.proj_out");
  EXPECT_EQ(sgm("up_blocks.0.upsamplers.0.conv"), "output_blocks.2.2.conv");
  EXPECT_EQ(sgm("up_blocks.1.resnets.1.conv1"), "output_blocks.4.0.in_layers.2");
}

}  // namespace
}  // namespace ziplora
