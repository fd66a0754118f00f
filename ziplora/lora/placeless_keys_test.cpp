#include "ziplora/lora/placeless_keys.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace ziplora {
namespace {

PlacelessKeys::Report report(const std::vector<std::pair<std::string, double>>& keys, bool any_known = true,
                             bool of_sdxl = false, int64_t width = 4) {
  PlacelessKeys placeless;
  std::map<std::string, TensorInfo> tensors;
  for (const auto& [key, value] : keys) {
    placeless.add_layer(key, at::ones({2, width}) * value);
    tensors[key] = {.dtype = "F32", .shape = {2, width}, .begin = 0, .end = 0};
  }
  return placeless.report(tensors, any_known, [&](const std::string&) { return of_sdxl; });
}

TEST(PlacelessKeys, AreHarmlessWhereTheChangeIsZero) {
  using Keys = std::vector<std::pair<std::string, double>>;
  for (const Keys& keys : {Keys{{"x.lora_up.weight", 0}, {"x.lora_down.weight", 1}, {"x.alpha", 1}},
                           Keys{{"x.lora_up.weight", 1}, {"x.lora_down.weight", 0}}, Keys{{"x.diff", 0}}}) {
    const auto [defects, notes] = report(keys);
    EXPECT_TRUE(defects.empty());
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_NE(notes[0].find("their change is zero"), std::string::npos) << notes[0];
  }
  // A whole weight of zeros, or a norm's beside zero factors, does change something.
  for (const Keys& keys : {Keys{{"x.lora_up.weight", 1}, {"x.lora_down.weight", 1}}, Keys{{"x.diff", 1}},
                           Keys{{"x.set_weight", 0}}, Keys{{"x.lora_up.weight", 0}, {"x.diff_b", 1}}})
    EXPECT_EQ(report(keys).defects.size(), 1u) << keys[0].first;
}

TEST(PlacelessKeys, NothingIsHarmlessInAFileWithoutAKnownLayer) {
  const auto [defects, notes] = report({{"x.lora_up.weight", 0}, {"x.lora_down.weight", 1}}, false);
  ASSERT_EQ(defects.size(), 1u);
  EXPECT_TRUE(notes.empty());
}

TEST(PlacelessKeys, TellIgnoranceFromAnotherBaseAndAnotherArchitecture) {
  const auto unknown = report({{"unet.new.lora_A.weight", 1}}).defects.at(0);
  EXPECT_NE(unknown.problem.find("names that are not known here"), std::string::npos) << unknown.problem;
  EXPECT_TRUE(unknown.can_be_left_out);
  const auto of_sdxl = report({{"unet.new.lora_A.weight", 1}}, true, true).defects.at(0);
  EXPECT_NE(of_sdxl.problem.find("layers that this SDXL architecture lacks"), std::string::npos);
  EXPECT_FALSE(of_sdxl.can_be_left_out);
  const auto sd2 = report({{"unet.attn2.to_k.lora_A.weight", 1}}, true, false, 1024).defects.at(0);
  EXPECT_NE(sd2.problem.find("Stable Diffusion 2"), std::string::npos) << sd2.problem;
  EXPECT_FALSE(sd2.can_be_left_out);
  const auto sdxl = report({{"unet.new.attn2.to_k.lora_A.weight", 1}}, true, false, 2048).defects.at(0);
  EXPECT_NE(sdxl.problem.find("By its widths the file is for SDXL"), std::string::npos) << sdxl.problem;
  EXPECT_TRUE(sdxl.can_be_left_out);
}

TEST(PlacelessKeys, KnowWhatSdxlDoesNotUse) {
  for (const char* module : {"text_encoders.clip_l.transformer.text_projection", "clip_l.text_projection",
                             "lora_te1_text_projection", "text_encoder.text_projection"}) {
    const auto [defects, notes] = report(
        {{std::string(module) + ".lora_up.weight", 1}, {std::string(module) + ".lora_down.weight", 1}});
    EXPECT_TRUE(defects.empty()) << module;
    ASSERT_EQ(notes.size(), 1u) << module;
    EXPECT_NE(notes[0].find("SDXL does not use"), std::string::npos) << notes[0];
  }
  const auto embeddings =
      report({{"text_encoders.clip_g.transformer.text_model.embeddings.token_embedding.diff", 1}})
          .defects.at(0);
  EXPECT_EQ(embeddings.kind, DefectKind::kUnsupported);
  EXPECT_TRUE(embeddings.can_be_left_out);
  EXPECT_NE(embeddings.problem.find("embeddings"), std::string::npos);
}

}  // namespace
}  // namespace ziplora
