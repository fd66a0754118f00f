#include "ziplora/models/unused_tensors.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

TEST(UnusedTensors, AreWhatNoModelOfSdxlUses) {
  for (const char* name :
       {"conditioner.embedders.0.transformer.text_projection.weight", "conditioner.embedders.0.logit_scale",
        "conditioner.embedders.0.transformer.text_model.embeddings.position_ids", "model_ema.decay", "v_pred",
        "denoiser.sigmas", "alphas_cumprod", "conditioner.embedders.1.model.logit_scale"})
    EXPECT_TRUE(is_unused_tensor(name)) << name;
  for (const char* name :
       {"conditioner.embedders.1.model.text_projection", "conditioner.embedders.0.transformer.x.weight",
        "model.diffusion_model.out.2.weight", "first_stage_model.quant_conv.bias", "unknown", ""})
    EXPECT_FALSE(is_unused_tensor(name)) << name;
}

TEST(UnusedTensors, ATextEncoderUsesItsProjectionOnlyIfItHasOne) {
  EXPECT_TRUE(is_unused_by_text_encoder("text_projection.weight", false));
  EXPECT_FALSE(is_unused_by_text_encoder("text_projection.weight", true));
  EXPECT_TRUE(is_unused_by_text_encoder("text_model.logit_scale", true));
  EXPECT_TRUE(is_unused_by_text_encoder("text_model.embeddings.position_ids", true));
  EXPECT_FALSE(is_unused_by_text_encoder("text_model.final_layer_norm.weight", false));
}

TEST(UnusedTensors, AreNamedUnlessEveryCheckpointHasThem) {
  EXPECT_EQ(note_of_unused_tensors({"v_pred", "ztsnr", "a.position_ids", "denoiser.sigmas"}), "");
  EXPECT_EQ(note_of_unused_tensors({"logit_scale"}),
            "1 tensor of the base is left out, which SDXL does not use: logit_scale");
  EXPECT_EQ(note_of_unused_tensors({"a", "b", "c", "d"}),
            "4 tensors of the base are left out, which SDXL does not use: a, b, c, …");
}

}  // namespace
}  // namespace ziplora
