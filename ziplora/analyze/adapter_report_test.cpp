#include "ziplora/analyze/adapter_report.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/lora/adapter_file_fixture.h"

namespace ziplora {
namespace {

constexpr const char* kProjIn = "unet.mid_block.attentions.0.proj_in";                       // 24 × 24
constexpr const char* kProjOut = "unet.mid_block.attentions.0.proj_out";                     // 24 × 24
constexpr const char* kQuery = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj";  // 12 × 12
constexpr const char* kKey = "text_encoder.text_model.encoder.layers.0.self_attn.k_proj";

const TargetNames& names() {
  static const TargetNames names(small_unet(), small_text(12, 2), small_text(28, 3, 14));
  return names;
}

/// ΔW is filled with `value`, whose norm is value · √(out · in).
LoraLayer constant(int64_t size, int64_t rank, double value) {
  return {at::full({rank, size}, value), at::full({size, rank}, 1.0 / static_cast<double>(rank)),
          std::nullopt};
}

AdapterSurvey survey_of(const std::map<std::string, LoraLayer>& layers) {
  AdapterSurvey survey;
  survey.adapter.layers = layers;
  survey.adapter.dialect = "kohya-sgm";
  for (const auto& [target, layer] : layers)
    survey.origins[target] = {.kind = "LoRA",
                              .dialect = "kohya-sgm",
                              .dtype = "F16",
                              .rank = layer.rank(),
                              .alpha = 4,
                              .alpha_in_file = 4};
  return survey;
}

TEST(AdapterReport, CountsLayersInTheOrderOfTheValues) {
  AdapterSurvey survey = survey_of(
      {{kProjIn, constant(24, 10, 1)}, {kProjOut, constant(24, 2, 1)}, {kQuery, constant(12, 2, 1)}});
  survey.origins[kQuery].alpha = std::nullopt;
  survey.adapter.vector_deltas["unet.mid_block.resnets.0.norm1.weight"] = at::zeros({24});
  const AdapterReport report = report_adapter(survey, names());
  EXPECT_EQ(report.ranks, (LayerCounts{{"2", 2}, {"10", 1}}));  // not as text, which would put 10 first
  EXPECT_EQ(report.kinds, (LayerCounts{{"LoRA", 3}, {"biases and norms", 1}}));
  EXPECT_EQ(report.dtypes, (LayerCounts{{"F16", 3}}));
  EXPECT_EQ(report.alphas.at("unet"), (LayerCounts{{"4", 2}}));
  EXPECT_EQ(report.alphas.at("text_encoder"), (LayerCounts{{"none", 1}}));
  EXPECT_EQ(report.layers, 3);
  EXPECT_EQ(report.vectors, 1);
}

TEST(AdapterReport, GroupsHoldTheirLayersAndNorms) {
  const AdapterReport report = report_adapter(
      survey_of(
          {{kProjIn, constant(24, 1, 3)}, {kProjOut, constant(24, 1, 4)}, {kQuery, constant(12, 1, 1)}}),
      names());
  ASSERT_EQ(report.coverage.size(), 2u);  // groups without a layer are left out
  const KindGroup& projections = report.coverage[0];
  EXPECT_EQ(projections.component, "unet");
  EXPECT_EQ(projections.kind, TargetKind::kProjection);
  EXPECT_EQ(projections.layers, 2);
  EXPECT_GT(projections.of, 2);
  EXPECT_NEAR(projections.norm, 5 * 24, 1e-3);
  ASSERT_EQ(report.blocks.size(), 2u);
  EXPECT_EQ(report.blocks[0].block, "mid_block");
  EXPECT_EQ(report.blocks[1].block, "text_encoder");
  EXPECT_NEAR(report.norm, std::hypot(5.0 * 24, 12.0), 1e-3);
  ASSERT_EQ(report.largest.size(), 3u);
  EXPECT_EQ(report.largest[0].target, kProjOut);
  EXPECT_NEAR(report.stable_rank, 1, 1e-4);
  EXPECT_NEAR(report.first_half_energy.value(), 1, 1e-6);
}

TEST(AdapterReport, LayersWithoutEffectAreDeadUnlessTheyAreZerosOnPurpose) {
  LoraLayer dead = constant(24, 2, 1), placeholder = constant(12, 2, 0);
  dead.up.zero_();
  placeholder.up.zero_();
  const AdapterReport report = report_adapter(
      survey_of({{kProjIn, dead}, {kProjOut, constant(24, 1, 1)}, {kQuery, placeholder}}), names());
  EXPECT_EQ(report.placeholders, 1);
  ASSERT_EQ(report.defects.size(), 1u);
  EXPECT_EQ(report.defects[0].kind, "dead");
  EXPECT_EQ(report.defects[0].keys, (std::vector<std::string>{kProjIn}));
  EXPECT_NE(report.defects[0].problem.find("1 of 3 layers"), std::string::npos);
}

TEST(AdapterReport, UnevenAlphasOfAttentionAreADefectInKohyasNames) {
  AdapterSurvey survey = survey_of({{kQuery, constant(12, 2, 1)}, {kKey, constant(12, 2, 1)}});
  survey.origins[kKey].alpha_in_file = 1;
  const AdapterReport report = report_adapter(survey, names());
  ASSERT_EQ(report.defects.size(), 1u);
  EXPECT_EQ(report.defects[0].kind, "uneven-alpha");
  for (auto& [target, origin] : survey.origins) origin.dialect = "diffusers-peft";
  EXPECT_TRUE(report_adapter(survey, names()).defects.empty());
}

TEST(AdapterReport, DefectsOfTheSurveyComeFirstAndCannotWriteToTheTerminal) {
  AdapterSurvey survey = survey_of({{kProjIn, constant(24, 2, 0)}});
  survey.adapter.layers[kProjIn].down.fill_(1);
  survey.adapter.layers[kProjIn].up.zero_();
  survey.defects.push_back(
      {DefectKind::kUnknownKey, ErrorKind::kInput, "key \x1b[2J", "a hint", {"\x1b[2J"}});
  const AdapterReport report = report_adapter(survey, names());
  ASSERT_EQ(report.defects.size(), 2u);
  EXPECT_EQ(report.defects[0].kind, "unknown-key");
  EXPECT_EQ(report.defects[0].problem, "key \\x1b[2J");
  EXPECT_EQ(report.defects[0].keys, (std::vector<std::string>{"\x1b[2J"}));
  EXPECT_EQ(report.defects[1].kind, "dead");
}

TEST(AdapterReport, JsonHasAMemberForEachFieldAndTheRecipeOnlyIfThereIsOne) {
  AdapterSurvey survey = survey_of({{kProjIn, constant(24, 2, 1)}});
  survey.adapter.metadata = {{"ziplora.recipe", "not JSON"}};
  std::vector<std::string> members;
  const nlohmann::ordered_json json = to_json(report_adapter(survey, names()));
  for (const auto& [key, value] : json.items()) members.push_back(key);
  EXPECT_EQ(members, (std::vector<std::string>{"dialect",      "kinds",
                                               "dtypes",       "tensors",
                                               "layers",       "base_bound",
                                               "vectors",      "ranks",
                                               "alphas",       "coverage",
                                               "blocks",       "norm",
                                               "stable_rank",  "first_half_energy",
                                               "largest",      "trigger_words",
                                               "metadata",     "warnings",
                                               "placeholders", "defects",
                                               "programs"}));
  EXPECT_EQ(json["ranks"].dump(), R"({"2":1})");
  EXPECT_EQ(json["coverage"][0]["kind"], "projection");
  EXPECT_EQ(json["programs"][0]["program"], "diffusers");
  survey.adapter.metadata = {{"ziplora.recipe", R"({"method": "zip", "a": 1})"}};
  EXPECT_EQ(to_json(report_adapter(survey, names()))["recipe"].dump(), R"({"method":"zip","a":1})");
}

TEST(AdapterReport, WhatIsNotKnownIsNullInJson) {
  const nlohmann::ordered_json json = to_json(report_adapter(survey_of({}), names()));
  EXPECT_TRUE(json["first_half_energy"].is_null());
  EXPECT_EQ(json["norm"], 0.0);
  EXPECT_EQ(json["ranks"].dump(), "{}");
  EXPECT_EQ(json["largest"].dump(), "[]");
}

}  // namespace
}  // namespace ziplora
