// Reading files as other programs write them, sound and broken.
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/adapter_file_fixture.h"

namespace ziplora {
namespace {

TEST_F(AdapterFileTest, ReadsEverySpellingOfALayer) {
  const std::vector<std::tuple<std::string, std::string, std::string, std::string>> spellings{
      {"lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_out_0.lora_down.weight",
       "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_out_0.lora_up.weight", "16", "kohya-sgm"},
      {"lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_down.weight",
       "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_up.weight", "16",
       "kohya-diffusers"},
      {"unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_A.weight",
       "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_B.weight", "16",
       "diffusers-peft"},
      {"unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_A.default.weight",
       "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_B.default.weight", "16",
       "diffusers-peft"},
      {"unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora.down.weight",
       "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora.up.weight", "16",
       "diffusers-linear-layer"},
      {"unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.down.weight",
       "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight", "16",
       "diffusers-processor"},
      {"base_model.model.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_A.weight",
       "base_model.model.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_B.weight", "16",
       "peft"},
      {"diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_out.0.lora_A.weight",
       "diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_out.0.lora_B.weight", "16", "comfy"},
      {"unet.input_blocks.4.1.transformer_blocks.0.attn1.to_out.0.lora_down.weight",
       "unet.input_blocks.4.1.transformer_blocks.0.attn1.to_out.0.lora_up.weight", "16", "omi"}};
  for (const auto& [down, up, width, dialect] : spellings) {
    const NamedTensors tensors{{down, at::randn({3, 16}, generator)}, {up, at::randn({16, 3}, generator)}};
    const Adapter adapter = read_adapter(save(tensors), names, warnings);
    ASSERT_EQ(adapter.layers.size(), 1u) << down;
    EXPECT_EQ(adapter.layers.begin()->first,
              "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0");
    EXPECT_EQ(adapter.dialect, dialect);
    EXPECT_TRUE(adapter.layers.begin()->second.down.equal(tensors.at(down))) << down;
  }
  for (const char* module : {"text_encoder.text_model.encoder.layers.1.self_attn.out_proj.lora_linear_layer",
                             "text_encoder.text_model.encoder.layers.1.self_attn.to_out_lora",
                             "text_encoder.encoder.layers.1.self_attn.out_proj.lora"}) {
    const NamedTensors tensors{{module + std::string(".down.weight"), at::randn({3, 12}, generator)},
                               {module + std::string(".up.weight"), at::randn({12, 3}, generator)}};
    EXPECT_TRUE(read_adapter(save(tensors), names, warnings)
                    .layers.count("text_encoder.text_model.encoder.layers.1.self_attn.out_proj"))
        << module;
  }
}

TEST_F(AdapterFileTest, MissingAlphaIsSaidAloudAndAlphaComesInEveryShape) {
  NamedTensors tensors = good_pair();
  const std::string alpha = "lora_unet_middle_block_1_proj_in.alpha";
  for (const at::Tensor& value :
       {at::full({}, 4, at::kLong), at::full({1}, 4, at::kBFloat16), at::full({1}, 4, at::kDouble)}) {
    tensors[alpha] = value;
    EXPECT_EQ(read_adapter(save(tensors), names, warnings).layers.begin()->second.scale(), 2.0);
  }
  EXPECT_TRUE(warnings.empty());
  tensors.erase(alpha);
  EXPECT_EQ(read_adapter(save(tensors), names, warnings).layers.begin()->second.scale(), 1.0);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0], "no alpha for 1 of 1 layers: scale 1 is assumed there");
}

TEST_F(AdapterFileTest, ReadsAlphaPatternsAndRankStabilisedScale) {
  const NamedTensors tensors{
      {"unet.mid_block.attentions.0.proj_in.lora_A.weight", at::randn({4, 24}, generator)},
      {"unet.mid_block.attentions.0.proj_in.lora_B.weight", at::randn({24, 4}, generator)},
      {"unet.mid_block.attentions.0.proj_out.lora_A.weight", at::randn({4, 24}, generator)},
      {"unet.mid_block.attentions.0.proj_out.lora_B.weight", at::randn({24, 4}, generator)}};
  const auto scale = [&](const char* metadata, const char* module) {
    const auto path = save(tensors, {{"lora_adapter_metadata", metadata}});
    return read_adapter(path, names, warnings)
        .layers.at(std::string("unet.mid_block.attentions.0.") + module)
        .scale();
  };
  const char* plain = R"({"unet.r": 4, "unet.lora_alpha": 2, "unet.alpha_pattern": {"proj_out": 8}})";
  EXPECT_EQ(scale(plain, "proj_in"), 0.5);
  EXPECT_EQ(scale(plain, "proj_out"), 2.0);
  EXPECT_EQ(scale(R"({"unet.r": 4, "unet.lora_alpha": 6, "unet.use_rslora": true})", "proj_in"), 3.0);
}

TEST_F(AdapterFileTest, SaysWhatIsWrongWithAFile) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  struct Case {
    NamedTensors tensors;
    ErrorKind kind;
    std::string said;
  };
  const auto pair = [&](const std::string& module, int64_t in, int64_t out) {
    return NamedTensors{{module + ".lora_down.weight", at::randn({2, in}, generator)},
                        {module + ".lora_up.weight", at::randn({out, 2}, generator)}};
  };
  NamedTensors orphan = good_pair(), broken = good_pair(), ranks = good_pair(), wide_alpha = good_pair(),
               twice = good_pair(), stray = good_pair(), misfit = good_pair(), flat = good_pair(),
               two_alphas = good_pair(), two_kinds = good_pair();
  orphan.erase("lora_unet_middle_block_1_proj_in.lora_up.weight");
  broken["lora_unet_middle_block_1_proj_in.lora_up.weight"].view(-1)[3] = nan;
  ranks["lora_unet_middle_block_1_proj_in.lora_up.weight"] = at::zeros({24, 3});
  wide_alpha["lora_unet_middle_block_1_proj_in.alpha"] = at::zeros({2});
  twice["lora_unet_mid_block_attentions_0_proj_in.lora_up.weight"] = at::zeros({24, 2});
  flat["lora_unet_middle_block_1_proj_in.lora_down.weight"] = at::zeros({24});
  two_alphas["lora_unet_mid_block_attentions_0_proj_in.alpha"] = at::full({}, 1.0);
  two_kinds["lora_unet_middle_block_1_proj_in.hada_w1_a"] = at::zeros({24, 2});
  stray["optimizer.step"] = at::zeros({1});
  misfit["lora_unet_middle_block_1_proj_in.lora_up.weight"] = at::zeros({25, 2});
  const std::vector<Case> cases{
      {{{"vae.weight", at::zeros({2})}}, ErrorKind::kInput, "not a LoRA: none of its 1 keys"},
      {{{"model.diffusion_model.out.2.weight", at::zeros({2})}},
       ErrorKind::kInput,
       "It looks like a checkpoint"},
      {{{"conditioner.embedders.0.x", at::zeros({2})}},
       ErrorKind::kInput,
       "It looks like a whole SDXL checkpoint"},
      {{}, ErrorKind::kInput, "holds no tensors"},
      {orphan, ErrorKind::kInput, "unet.mid_block.attentions.0.proj_in lacks its up factor"},
      {broken, ErrorKind::kInput, "holds NaN or Inf; unet.mid_block.attentions.0.proj_in is broken"},
      {ranks, ErrorKind::kInput, "down [2, 24] and up [24, 3]: the ranks differ"},
      {wide_alpha, ErrorKind::kInput, "an alpha is one number"},
      {twice, ErrorKind::kInput, "another key has given already"},
      {stray, ErrorKind::kInput, "of no known kind, first: optimizer.step"},
      {flat, ErrorKind::kInput, "a LoRA factor has 2 or 4 dimensions"},
      {two_alphas, ErrorKind::kInput, "another key has given already"},
      {two_kinds, ErrorKind::kInput, "holds parts of LoRA and of LoHa"},
      {misfit, ErrorKind::kIncompatible, "needs [2, 24] and [24, 2]"},
      {pair("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 768, 320),
       ErrorKind::kIncompatible, "looks like a LoRA for Stable Diffusion 1.5"},
      {pair("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 1024, 320),
       ErrorKind::kIncompatible, "looks like a LoRA for Stable Diffusion 2"},
      {pair("lora_unet_middle_block_1_transformer_blocks_0_attn2_to_k", 1280, 24), ErrorKind::kIncompatible,
       "looks like a LoRA for the SDXL refiner"},
      {pair("lora_unet_double_blocks_0_img_attn_qkv", 3072, 9216), ErrorKind::kIncompatible,
       "looks like a LoRA for Flux"},
      {pair("lora_unet_joint_blocks_0_x_block_attn_qkv", 64, 192), ErrorKind::kIncompatible,
       "Stable Diffusion 3"},
      {{{"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", at::zeros({2, 8})}},
       ErrorKind::kIncompatible,
       "looks like a LoRA for Flux"},
  };
  for (const Case& wrong : cases) {
    const Error error = error_of_reading(wrong.tensors);
    EXPECT_EQ(error.kind(), wrong.kind) << error.what();
    EXPECT_NE(error.problem().find(wrong.said), std::string::npos)
        << error.what() << "\nshould say: " << wrong.said;
    EXPECT_FALSE(error.hint().empty()) << error.what();
  }
}

TEST_F(AdapterFileTest, NamesKindsThatCannotBeReadYet) {
  const std::vector<std::pair<const char*, const char*>> suffixes{{"oft_diag", "OFT of early LyCORIS"},
                                                                  {"boft_R", "BOFT of PEFT"},
                                                                  {"bm.weight", "GLoRA with a core"},
                                                                  {"lambda_layer", "T-LoRA"},
                                                                  {"reshape_weight", "reshape_weight patch"}};
  for (const auto& [suffix, kind] : suffixes) {
    NamedTensors tensors = good_pair();
    const std::string key = std::string("lora_unet_middle_block_1_proj_in.") + suffix;
    tensors[key] = at::zeros({2, 2});
    const Error error = error_of_reading(tensors);
    EXPECT_EQ(error.kind(), ErrorKind::kIncompatible);
    EXPECT_NE(error.problem().find(kind), std::string::npos) << error.what();
    EXPECT_NE(error.problem().find(key), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty()) << error.what();
  }
}

TEST_F(AdapterFileTest, LayersThatDependOnTheBaseNeedIt) {
  NamedTensors tensors = good_pair();
  tensors["lora_unet_middle_block_1_proj_in.dora_scale"] = at::rand({24, 1}, generator) + 0.5;
  const Error error = error_of_reading(tensors);
  EXPECT_EQ(error.kind(), ErrorKind::kIncompatible);
  EXPECT_NE(error.problem().find("1 layer is DoRA"), std::string::npos) << error.what();
  EXPECT_NE(error.hint().find("give the base"), std::string::npos) << error.hint();

  const at::Tensor weight = at::randn({24, 24}, generator);
  std::string asked;
  const BaseWeights base = [&](const std::string& target) { return asked = target, weight; };
  const Adapter adapter = read_adapter(save(tensors), names, warnings, base);
  EXPECT_EQ(asked, "unet.mid_block.attentions.0.proj_in");
  // Each row of W0 + ΔW has the magnitude's length.
  const at::Tensor rows = (weight + delta(adapter.layers.at(asked))).norm(2, {1});
  EXPECT_LT(
      (rows - tensors["lora_unet_middle_block_1_proj_in.dora_scale"].flatten()).abs().max().item<double>(),
      1e-5);
}

TEST_F(AdapterFileTest, PeftsBiasOfAFactorIsScaledAndAddedToTheLayers) {
  const std::string module = "unet.mid_block.attentions.0.proj_in.";
  const at::Tensor bias = at::randn({24}, generator);
  const auto path = save({{module + "lora_A.weight", at::randn({4, 24}, generator)},
                          {module + "lora_B.weight", at::randn({24, 4}, generator)},
                          {module + "lora_B.bias", bias}},
                         {{"lora_adapter_metadata", R"({"unet.r": 4, "unet.lora_alpha": 2})"}});
  const Adapter adapter = read_adapter(path, names, warnings);
  EXPECT_TRUE(adapter.vector_deltas.at(module + "bias").equal(bias * 0.5));
}

TEST_F(AdapterFileTest, RefusesVectorsThatDoNotFit) {
  const std::string attention = "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q";
  const std::vector<std::pair<NamedTensors, std::string>> cases{
      {{{"lora_unet_middle_block_1_norm.w_norm", at::zeros({23})}}, "needs [24]"},
      {{{attention + ".diff_b", at::zeros({24})}}, "no bias there"},  // SDXL's q, k and v have none
      {{{"lora_unet_middle_block_1_norm.lora_up.weight", at::zeros({24, 2})}}, "is a norm"},
      {{{"lora_unet_middle_block_1_norm.w_norm", at::zeros({24})},
        {"lora_unet_middle_block_1_norm.diff", at::zeros({24})}},
       "gives its weight twice"}};
  for (const auto& [tensors, said] : cases) {
    const Error error = error_of_reading(tensors);
    EXPECT_NE(error.problem().find(said), std::string::npos) << error.what();
  }
}

TEST_F(AdapterFileTest, RefusesATruncatedFile) {
  const auto path = save(good_pair());
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 7);
  try {
    read_adapter(path, names, warnings);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
  }
}

TEST_F(AdapterFileTest, LeavesOutTextualInversionsByName) {
  NamedTensors tensors = good_pair();
  tensors["bundle_emb.sks.clip_l"] = at::zeros({1, 12});
  tensors["bundle_emb.sks.clip_g"] = at::zeros({1, 20});
  tensors["bundle_emb.v1.5 ink.string_to_param.*"] = at::zeros({1, 12});
  EXPECT_EQ(read_adapter(save(tensors), names, warnings).layers.size(), 1u);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("(sks, v1.5 ink)"), std::string::npos) << warnings[0];
}

TEST_F(AdapterFileTest, ReadsTheSecondEncodersProjectionAlone) {
  const TargetName* target = names.find("text_encoder_2.text_projection");
  ASSERT_NE(target, nullptr);
  EXPECT_EQ(names.find("text_encoder.text_projection"), nullptr);
  for (const char* module : {"lora_te2_text_projection.lora_", "text_encoder_2.text_projection.lora_",
                             "text_encoders.clip_g.transformer.text_projection.lora_"}) {
    const bool flat = std::string(module).starts_with("lora_");
    NamedTensors tensors;
    tensors[std::string(module) + (flat ? "down.weight" : "A.weight")] =
        at::ones({2, target->weight_shape[1]});
    tensors[std::string(module) + (flat ? "up.weight" : "B.weight")] = at::ones({target->weight_shape[0], 2});
    const Adapter adapter = read_adapter(save(tensors), names, warnings);
    EXPECT_EQ(adapter.layers.count(target->canonical), 1u) << module;
  }
}

}  // namespace
}  // namespace ziplora
