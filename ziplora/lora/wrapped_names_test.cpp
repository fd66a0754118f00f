#include "ziplora/lora/wrapped_names.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ziplora {
namespace {

TEST(WrappedNames, LoseWhatWrappersLeft) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"unet._orig_mod.mid_block.x.lora_A.weight", "unet.mid_block.x.lora_A.weight"},
      {"_orig_mod.module.unet.x.alpha", "unet.x.alpha"},
      {"unet.down_blocks.0._orig_mod.resnets.1.conv1.lora_A.weight",
       "unet.down_blocks.0.resnets.1.conv1.lora_A.weight"},
      {"unet.unet.unet.x.lora.up.weight", "unet.x.lora.up.weight"},
      {"text_encoder_2.text_encoder_2.x.alpha", "text_encoder_2.x.alpha"},
      {"model.diffusion_model.out.2.lora_up.weight", "diffusion_model.out.2.lora_up.weight"},
      {"lora_unet__orig_mod_mid_block_x.alpha", "lora_unet_mid_block_x.alpha"},
      {"lora_te2_module_text_model_x.alpha", "lora_te2_text_model_x.alpha"},
      {"lora_unet_model_diffusion_model_out_2.alpha", "lora_unet_out_2.alpha"},
      {"lycoris__orig_mod_mid_block_x.hada_w1_a", "lycoris_mid_block_x.hada_w1_a"}};
  for (const auto& [wrapped, bare] : cases) EXPECT_EQ(without_wrappers(wrapped), bare) << wrapped;
}

TEST(WrappedNames, LeaveEveryOtherNameAlone) {
  for (const std::string key :
       {"", ".", "module", "unet.module", "unet.text_encoder.x.alpha",
        "lora_unet_mid_block_attentions_0_proj_in.alpha", "lora_unet_",
        "unet.down_blocks.0.resnets.1.conv1.lora_A.weight", "bundle_emb.module_.clip_l", "a..b"})
    EXPECT_EQ(without_wrappers(key), key);
}

}  // namespace
}  // namespace ziplora
