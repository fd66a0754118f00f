#include "ziplora/analyze/loader_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace ziplora {
namespace {

ProgramSupport support_of(const char* program, const FileFacts& facts) {
  for (const ProgramSupport& support : loader_support(facts))
    if (support.program == std::string_view(program)) return support;
  throw std::logic_error(std::string("no program ") + program);
}

/// A plain LoRA in kohya's names, which every program but PEFT loads.
FileFacts plain_kohya() {
  FileFacts facts;
  facts.kohya_sgm = facts.other_spellings = facts.plain_lora = facts.attention_layers = true;
  return facts;
}

TEST(LoaderSupport, APlainLoraInKohyasNamesLoadsEverywhereButInPeft) {
  for (const ProgramSupport& support : loader_support(plain_kohya())) {
    const bool is_peft = support.program == std::string_view("PEFT");
    EXPECT_EQ(support.verdict, is_peft ? Verdict::kNot : Verdict::kFully) << support.program;
    EXPECT_EQ(support.reasons.empty(), !is_peft) << support.program;
  }
}

TEST(LoaderSupport, EachProgramIsListedOnceAndHasAReasonUnlessItLoadsTheFileFully) {
  FileFacts facts = plain_kohya();
  facts.dora = facts.core = facts.comfy = facts.norms_or_biases = true;
  std::set<std::string> programs;
  for (const ProgramSupport& support : loader_support(facts)) {
    EXPECT_TRUE(programs.insert(support.program).second) << support.program;
    EXPECT_EQ(support.verdict == Verdict::kFully, support.reasons.empty()) << support.program;
  }
  EXPECT_EQ(programs.size(), 9u);
}

TEST(LoaderSupport, TheWorstVerdictCountsAndEveryReasonIsGiven) {
  FileFacts facts = plain_kohya();
  facts.outside_blocks = true;
  EXPECT_EQ(support_of("kohya sd-scripts", facts).verdict, Verdict::kPartly);
  facts.dora = true;
  const ProgramSupport support = support_of("kohya sd-scripts", facts);
  EXPECT_EQ(support.verdict, Verdict::kWrongly);
  EXPECT_EQ(support.reasons.size(), 3u);  // dora_scale, all but plain layers, layers outside the blocks
  EXPECT_EQ(support.reasons.front(), "dora_scale is dropped");
}

TEST(LoaderSupport, AKindThatWasNotTriedIsUnknownUnlessSomethingWorseIsKnown) {
  FileFacts facts = plain_kohya();
  facts.untried_kind = true;
  EXPECT_EQ(support_of("ComfyUI", facts).verdict, Verdict::kUnknown);
  EXPECT_EQ(support_of("PEFT", facts).verdict, Verdict::kNot);
  facts.uneven_alpha = true;
  EXPECT_EQ(support_of("diffusers", facts).verdict, Verdict::kWrongly);
}

TEST(LoaderSupport, ForgeDropsUpToTwelveUnknownKeysAndRefusesMore) {
  FileFacts facts = plain_kohya();
  facts.keys_unknown_to_forge = 12;
  EXPECT_EQ(support_of("Forge", facts).verdict, Verdict::kPartly);
  facts.keys_beside_the_lora = 1;
  EXPECT_EQ(support_of("Forge", facts).verdict, Verdict::kNot);
}

TEST(LoaderSupport, FilesForAnotherBaseAreRefusedByProgramsThatKnowSdxlsSizesOnly) {
  FileFacts facts = plain_kohya();
  facts.sdxl_sizes = false;
  EXPECT_EQ(support_of("ComfyUI", facts).verdict, Verdict::kNot);
  EXPECT_EQ(support_of("diffusers", facts).verdict, Verdict::kFully);
}

}  // namespace
}  // namespace ziplora
