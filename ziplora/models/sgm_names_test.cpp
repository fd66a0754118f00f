#include "ziplora/models/sgm_names.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

// Whole models in both namings are compared in tests/parity/test_loading.py.

namespace ziplora {
namespace {

using View = TranslatedTensor::View;

/// The one tensor that the name stands for.
std::string translated(const SgmNames& names, const std::string& sgm_name) {
  const std::vector<TranslatedTensor> parts = names.translate(sgm_name);
  return parts.size() == 1 ? parts.front().name : std::to_string(parts.size()) + " tensors";
}

TEST(SgmNames, UNetLayersAreNumberedConsecutively) {
  const SgmNames names = sgm_unet_names(UNet2DConditionConfig::sdxl());
  const std::pair<const char*, const char*> pairs[] = {
      {"input_blocks.0.0.weight", "conv_in.weight"},
      {"input_blocks.2.0.in_layers.2.bias", "down_blocks.0.resnets.1.conv1.bias"},
      {"input_blocks.3.0.op.weight", "down_blocks.0.downsamplers.0.conv.weight"},
      {"input_blocks.4.0.skip_connection.weight", "down_blocks.1.resnets.0.conv_shortcut.weight"},
      {"input_blocks.4.1.proj_in.weight", "down_blocks.1.attentions.0.proj_in.weight"},
      {"middle_block.1.transformer_blocks.9.attn1.to_q.weight",
       "mid_block.attentions.0.transformer_blocks.9.attn1.to_q.weight"},
      {"middle_block.2.emb_layers.1.weight", "mid_block.resnets.1.time_emb_proj.weight"},
      {"output_blocks.2.2.conv.weight", "up_blocks.0.upsamplers.0.conv.weight"},
      {"output_blocks.8.0.out_layers.3.weight", "up_blocks.2.resnets.2.conv2.weight"},
      {"out.2.bias", "conv_out.bias"}};
  for (const auto& [sgm, name] : pairs) EXPECT_EQ(translated(names, sgm), name);
}

TEST(SgmNames, UNetLacksWhatItsBlocksLack) {
  const SgmNames names = sgm_unet_names(UNet2DConditionConfig::sdxl());
  for (const char* stranger : {"input_blocks.1.1.proj_in.weight", "input_blocks.9.0.in_layers.2.weight",
                               "output_blocks.8.1.proj_in.weight", "conv_in", "x.weight"})
    EXPECT_TRUE(names.translate(stranger).empty()) << stranger;
}

TEST(SgmNames, AutoencoderCountsTheDecodersBlocksFromTheImage) {
  const SgmNames names = sgm_autoencoder_names(AutoencoderKLConfig{});
  EXPECT_EQ(translated(names, "encoder.down.0.block.1.conv1.weight"),
            "encoder.down_blocks.0.resnets.1.conv1.weight");
  EXPECT_EQ(translated(names, "decoder.up.3.block.2.conv1.weight"),
            "decoder.up_blocks.0.resnets.2.conv1.weight");
  EXPECT_EQ(translated(names, "decoder.up.0.block.0.nin_shortcut.weight"),
            "decoder.up_blocks.3.resnets.0.conv_shortcut.weight");
  EXPECT_EQ(translated(names, "decoder.up.1.upsample.conv.bias"),
            "decoder.up_blocks.2.upsamplers.0.conv.bias");
}

TEST(SgmNames, AutoencoderAttentionIsConvolutionsInTheFile) {
  const std::vector<TranslatedTensor> parts =
      sgm_autoencoder_names(AutoencoderKLConfig{}).translate("encoder.mid.attn_1.q.weight");
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].name, "encoder.mid_block.attentions.0.to_q.weight");
  EXPECT_EQ(parts[0].view, View::kSqueezed);
  EXPECT_EQ(parts[0].apply(at::zeros({5, 4, 1, 1})).sizes(), (std::vector<int64_t>{5, 4}));
  EXPECT_EQ(parts[0].apply(at::zeros({5})).sizes(), (std::vector<int64_t>{5}));  // the bias
}

TEST(SgmNames, OpenClipStacksQueryKeyAndValue) {
  const SgmNames names = open_clip_names(ClipTextConfig{});
  const auto parts = names.translate("transformer.resblocks.3.attn.in_proj_weight");
  ASSERT_EQ(parts.size(), 3u);
  const at::Tensor stacked = at::arange(12).view({6, 2});
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(parts[i].name,
              std::string("text_model.encoder.layers.3.self_attn.") + "qkv"[i] + "_proj.weight");
    EXPECT_TRUE(at::equal(parts[i].apply(stacked), stacked.narrow(0, 2 * i, 2)));
  }
  EXPECT_EQ(translated(names, "transformer.resblocks.3.mlp.c_fc.bias"),
            "text_model.encoder.layers.3.mlp.fc1.bias");
  EXPECT_EQ(translated(names, "positional_embedding"), "text_model.embeddings.position_embedding.weight");
}

TEST(SgmNames, OpenClipsProjectionIsTransposed) {
  const auto parts = open_clip_names(ClipTextConfig{}).translate("text_projection");
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].name, "text_projection.weight");
  EXPECT_EQ(parts[0].apply(at::zeros({2, 3})).sizes(), (std::vector<int64_t>{3, 2}));
}

}  // namespace
}  // namespace ziplora
