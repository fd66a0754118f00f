#include "ziplora/merge/prompt_context.h"

#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

using Prompts = std::vector<std::string>;

const Adapter kAdapter;

std::vector<MergeInput> pair(const Prompts& subject, const Prompts& style) {
  return {{.adapter = &kAdapter, .role = Role::kSubject, .prompts = subject},
          {.adapter = &kAdapter, .role = Role::kStyle, .prompts = style}};
}

TEST(JointPrompts, TakeWhatTheStylesPromptsShare) {
  EXPECT_EQ(joint_prompts_of(pair({"a sks dog"}, {"a rose, in szn style", "a red castle, in szn style"})),
            Prompts{"a sks dog, in szn style"});
  EXPECT_EQ(joint_prompts_of(
                pair({"a sks dog", "a sks dog asleep"}, {"a rose in szn style", "a cat in szn style"})),
            (Prompts{"a sks dog in szn style", "a sks dog asleep in szn style"}));
}

TEST(JointPrompts, OfOnePromptTakeItFromItsLastPreposition) {
  EXPECT_EQ(joint_prompts_of(pair({"a sks dog"}, {"a house in a wood, in szn style"})),
            Prompts{"a sks dog, in szn style"});
  EXPECT_EQ(joint_prompts_of(pair({"a sks dog"}, {"a house by szn"})), Prompts{"a sks dog by szn"});
}

TEST(JointPrompts, TakeTriggerWordsWhole) {
  EXPECT_EQ(joint_prompts_of(pair({"a sks dog"}, {"szn style"})), Prompts{"a sks dog, szn style"});
  EXPECT_EQ(joint_prompts_of(pair({"a sks dog"}, {"in szn style"})), Prompts{"a sks dog, in szn style"});
}

TEST(JointPrompts, AreNotMadeUp) {
  EXPECT_EQ(joint_prompts_of(pair({"a sks dog"}, {"a szn rose"})), Prompts{});
  EXPECT_EQ(joint_prompts_of(pair({"a sks dog"}, {"a rose", "a cat"})), Prompts{});
  EXPECT_EQ(joint_prompts_of(pair({}, {"a rose, in szn style"})), Prompts{});
  EXPECT_EQ(joint_prompts_of({}), Prompts{});
}

TEST(PromptContexts, AreTheOwnOnesAndTheJointOne) {
  const std::vector<MergeInput> inputs = pair({"a sks dog"}, {"a rose, in szn style"});
  const std::vector<PromptContext> contexts =
      prompt_contexts(inputs, {}, {.weight = 3, .subject_share = 0.6});
  ASSERT_EQ(contexts.size(), 3U);
  EXPECT_EQ(contexts[0].shares, (std::vector<double>{1, 0}));
  EXPECT_EQ(contexts[1].shares, (std::vector<double>{0, 1}));
  EXPECT_EQ(contexts[1].prompts, inputs[1].prompts);
  EXPECT_EQ(contexts[2].shares, (std::vector<double>{0.6, 1}));
  EXPECT_EQ(contexts[2].weight, 3);
  EXPECT_EQ(prompt_contexts(inputs, {"both"}, {}).back().prompts, Prompts{"both"});
  EXPECT_EQ(prompt_contexts(inputs, {}, {.weight = 0}).size(), 2U);
}

TEST(PromptContexts, OnlyAGivenJointPromptAsksForFurtherAdapters) {
  std::vector<MergeInput> inputs = pair({"a sks dog"}, {"a rose, in szn style"});
  inputs.push_back({.adapter = &kAdapter, .role = Role::kAdapter, .prompts = {"lcd screen"}});
  EXPECT_EQ(prompt_contexts(inputs, {}, {}).back().shares, (std::vector<double>{0.7, 1, 0}));
  EXPECT_EQ(prompt_contexts(inputs, {"all three"}, {}).back().shares, (std::vector<double>{0.7, 1, 1}));
}

TEST(PromptContexts, FurtherThingsHaveJointPromptsOfTheirOwn) {
  std::vector<MergeInput> inputs = pair({"a sks dog"}, {"a rose, in szn style"});
  inputs.push_back({.adapter = &kAdapter, .role = Role::kAdapter, .prompts = {"a sks plant"}});
  inputs.push_back({.adapter = &kAdapter, .role = Role::kAdapter, .prompts = {"a fox, in lcd style"}});
  const std::vector<PromptContext> contexts = prompt_contexts(inputs, {}, {.weight = 3});
  const auto joint = joint_of(contexts, inputs);
  ASSERT_EQ(joint.size(), 2U);
  EXPECT_EQ(joint_prompts_in(contexts, inputs),
            (Prompts{"a sks dog, in szn style", "a sks plant, in szn style"}));
  EXPECT_EQ(joint[0].shares, (std::vector<double>{0.7, 1, 0, 0}));
  EXPECT_EQ(joint[1].shares, (std::vector<double>{0, 1, 0.7, 0}));
  EXPECT_EQ(joint[1].name, "joint 2");
  EXPECT_EQ(joint[1].weight, 3);
}

/// Twice the same images would weigh it twice.
TEST(PromptContexts, TwoThingsOfOneNameHaveOneJointPrompt) {
  std::vector<MergeInput> inputs = pair({"a sks dog"}, {"a rose, in szn style"});
  inputs.push_back({.adapter = &kAdapter, .role = Role::kAdapter, .prompts = {"a sks dog"}});
  const std::vector<PromptContext> contexts = prompt_contexts(inputs, {}, {});
  EXPECT_EQ(joint_prompts_in(contexts, inputs), Prompts{"a sks dog, in szn style"});
}

TEST(PromptContexts, AJointPromptIsOfThoseThatItNames) {
  std::vector<MergeInput> inputs = pair({"a sks dog"}, {"a rose, in szn style"});
  inputs.push_back({.adapter = &kAdapter, .role = Role::kAdapter, .prompts = {"a sks plant"}});
  const std::vector<PromptContext> contexts = prompt_contexts(
      inputs,
      {"a sks dog, inked", "a sks plant, inked", "a sks dog beside a sks plant, inked", "a sks dog asleep"},
      {});
  const auto joint = joint_of(contexts, inputs);
  ASSERT_EQ(joint.size(), 3U);
  EXPECT_EQ(joint[0].shares, (std::vector<double>{0.7, 1, 0}));
  EXPECT_EQ(joint[0].prompts, (Prompts{"a sks dog, inked", "a sks dog asleep"}));
  EXPECT_EQ(joint[1].shares, (std::vector<double>{0, 1, 0.7}));
  EXPECT_EQ(joint[2].shares, (std::vector<double>{0.7, 1, 1}));
}

TEST(PromptContexts, AJointPromptIsOfAllWhereNoneIsASubjectOrAStyle) {
  const std::vector<MergeInput> inputs{
      {.adapter = &kAdapter, .role = Role::kAdapter, .prompts = {"a sks dog"}},
      {.adapter = &kAdapter, .role = Role::kAdapter, .prompts = {"a rose, in szn style"}}};
  const std::vector<PromptContext> contexts = prompt_contexts(inputs, {"a sks dog, in szn style"}, {});
  EXPECT_EQ(contexts.back().shares, (std::vector<double>{1, 1}));
}

TEST(PromptContexts, WithoutAJointPromptSayHowToGiveOne) {
  try {
    prompt_contexts(pair({"a sks dog"}, {"a szn"}), {}, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(error.hint().find("--joint-prompt"), std::string::npos);
  }
}

}  // namespace
}  // namespace ziplora
