#include "cli/inspect_table.h"

#include <gtest/gtest.h>

namespace ziplora::cli {
namespace {

InspectedAdapter small_adapter() {
  InspectedAdapter adapter{.size_bytes = 12'345, .architecture = "SDXL base 1.0", .hashes = {}, .report = {}};
  AdapterReport& report = adapter.report;
  report.dialect = "kohya-sgm";
  report.kinds = {{"LoRA", 3}, {"LoHa", 1}};
  report.dtypes = {{"F16", 4}};
  report.tensors = 12;
  report.layers = 4;
  report.ranks = {{"8", 3}, {"16", 1}};
  report.alphas = {{"text_encoder", {{"4", 1}}}, {"unet", {{"4", 2}, {"none", 1}}}};
  report.coverage = {{{.layers = 3, .of = 560, .norm = 1.25}, "unet", TargetKind::kAttention}};
  report.norm = 1.5;
  report.stable_rank = 2.25;
  report.first_half_energy = 0.875;
  report.programs = {{"diffusers", Verdict::kFully, {}}, {"PEFT", Verdict::kNot, {"one", "two"}}};
  return adapter;
}

TEST(InspectTable, SaysWhatTheReportSays) {
  EXPECT_EQ(inspect_table({"cat.safetensors", small_adapter()}), R"(cat.safetensors
  what        LoRA, LoHa for SDXL base 1.0, kohya-sgm names
  size        12.3 kB, 4 layers in 12 tensors, F16
  ranks       8 (3 layers), 16 (1)
  alphas      text_encoder 4; unet 4 (2 layers), none (1)
  strength    ‖ΔW‖ 1.5, stable rank 2.2, half of the ranks hold 87.5 %
  words       none in the metadata

  layers                                here      of        ‖ΔW‖
  unet attention                           3     560        1.25

  diffusers             fully
  PEFT                  not: one; two

  metadata    none

  defects     none
)");
}

TEST(InspectTable, LinesThatOnlySomeReportsHave) {
  InspectedAdapter adapter = small_adapter();
  adapter.architecture = "as assets/mini";
  adapter.hashes = FileHashes{.sha256 = "abcdef", .autov2 = "abc", .autov3 = "def"};
  AdapterReport& report = adapter.report;
  report.base_bound = 2;
  report.vectors = 5;
  report.trigger_words = {"a sks dog", "sks"};
  report.blocks = {{{.layers = 1, .of = 2, .norm = 3}, "mid_block"},
                   {{.layers = 4, .of = 5, .norm = 6}, "text_encoder"}};
  report.largest = {
      {"unet.a", {.norm = 2, .largest = 1, .stable_rank = 4, .first_half_energy = 0.5}},
      {"unet.b", {.norm = 1, .largest = 1, .stable_rank = 1, .first_half_energy = std::nullopt}}};
  report.warnings = {"no alpha"};
  report.defects = {{.kind = "dead", .problem = "nothing", .hint = "train it", .keys = {}}};
  const std::string text = inspect_table({"cat.safetensors", adapter});
  for (
      const char* line :
      {"\n  what        LoRA, LoHa for a base as assets/mini, kohya-sgm names\n",
       "\n  needs base  2 of the layers: what they change depends on the base's weights\n",
       "\n  vectors     5 biases and norms are changed\n", "\n  words       \"a sks dog\", \"sks\"\n",
       "\n  AutoV2, V3  abc, def\n", "\n  sha256      abcdef\n",
       "\n  mid_block                                1       2           3\n",
       "\n  unet.a                                                                     2       4.0      50 %\n",
       "\n  unet.b                                                                     1       1.0         –\n",
       "\n  note        no alpha\n", "\n  defect      dead: nothing — train it\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nis not in\n" << text;
}

TEST(InspectTable, ARecipeMayLackEverything) {
  InspectedAdapter adapter = small_adapter();
  adapter.report.recipe =
      MergeRecipe{.method = "zip",
                  .seed = std::nullopt,
                  .inputs = {{},
                             {.role = "style",
                              .file = "ink.safetensors",
                              .sha256 = "12ab",
                              .strength = 0.5,
                              .prompts = std::vector<std::string>{}}},
                  .joint_prompts = std::vector<std::string>{"a sks dog, in szn style", "a sks dog asleep"},
                  .overlap = MergeRecipe::Overlap{.before = 1, .after = {}, .mean_movement = 0.25},
                  .json = {}};
  const std::string text = inspect_table({"cat.safetensors", adapter});
  EXPECT_NE(text.find(R"(
  merged      by zip, seed ?
  ?           ? × ?, "?", sha256 ?
  style       ink.safetensors × 0.5, no prompt, sha256 12ab
  joint       "a sks dog, in szn style", "a sks dog asleep"
  overlap     1 → ?; coefficients moved by 0.25 on average
)"),
            std::string::npos)
      << text;
}

TEST(InspectTable, WhatAFileSaysCannotWriteToTheTerminal) {
  InspectedAdapter adapter = small_adapter();
  adapter.report.metadata = {{"key\x1b[31m", "value\x1b[2J\n"}};
  adapter.report.trigger_words = {"dog\x1b[2J"};
  adapter.report.recipe = MergeRecipe{};
  adapter.report.recipe->inputs.push_back({});
  adapter.report.recipe->inputs[0].role = "role\x1b[2J";
  EXPECT_EQ(inspect_table({"cat.safetensors", adapter}).find('\x1b'), std::string::npos);
}

TEST(InspectTable, MetadataIsCutAndTheRecipeIsShownInWordsOnly) {
  InspectedAdapter adapter = small_adapter();
  for (int n = 10; n < 25; ++n) adapter.report.metadata["key" + std::to_string(n)] = std::string(200, 'v');
  adapter.report.metadata["ss_tag_frequency"] = "{}";
  const std::string text = inspect_table({"cat.safetensors", adapter});
  EXPECT_NE(text.find("  … 16 entries in all; --json shows them\n"), std::string::npos) << text;
  EXPECT_NE(text.find("key21"), std::string::npos);
  EXPECT_EQ(text.find("key22"), std::string::npos);
  EXPECT_EQ(text.find("ss_tag_frequency"), std::string::npos);
  EXPECT_NE(text.find("  key10" + std::string(33, ' ') + std::string(59, 'v') + "…\n"), std::string::npos)
      << text;
}

TEST(InspectTable, AFileThatCannotBeReadHasItsErrorAndHint) {
  EXPECT_EQ(
      inspect_table({"a.txt", Error(ErrorKind::kInput, "inspect a.txt", "not a LoRA", "get another copy")}),
      "a.txt\n  error       not a LoRA\n  hint        get another copy\n");
}

}  // namespace
}  // namespace ziplora::cli
