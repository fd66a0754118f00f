#pragma once
/// What a merge is asked to do, prompt by prompt. ZipLoRA's objective (arXiv 2311.13600, eq. 3) has one context
/// for each adapter: under its own prompts the merged model is to do what that adapter does alone. The joint
/// context, "a sks dog, in szn style", is what users type, and no own prompt speaks for it.
///
///     for (const PromptContext& context : prompt_contexts(inputs, {"a sks dog, in szn style"}, joint)) …

#include <span>
#include <string>
#include <vector>

#include "ziplora/merge/merge_method.h"

namespace ziplora {

struct PromptContext {
  /// "subject", "style", "joint", "joint 2" …
  std::string name;
  /// a_c: how much it counts.
  double weight = 1;
  std::vector<std::string> prompts;
  /// g_k: which share of each adapter's strength the merged model is to have here. The network wears the same
  /// while its inputs are recorded.
  std::vector<double> shares;
};

struct JointOptions {
  /// a of the joint context, beside 1 of each own context; 0: no joint context.
  double weight = 4;
  /// g of the subject in it, or of the further adapters that a joint prompt names in the subject's place; of all others 1,
  /// but 0 of those that it leaves out.
  double subject_share = 0.7;
};

/// joint-weight and joint-subject, of every method that learns.
std::vector<MergeOption> joint_table(const JointOptions& defaults);
/// @param values  resolved: with the rows of joint_table
JointOptions joint_options_of(const nlohmann::json& values);

/// The subject's prompts, and those of further adapters that name a thing ("a sks plant"), each with the words that the
/// style's prompts share: "a sks dog" and "a rose, in szn style" make "a sks dog, in szn style". Of a single prompt of the
/// style's these are the words from its last "in" or "by" on, or all of them where it begins with no article: trigger words
/// such as "szn style".
/// @return empty if there is no subject, no style, or no such words
std::vector<std::string> joint_prompts_of(const std::vector<MergeInput>& inputs);

/// @throws Error(kUsage) for a single input, which a method that learns would leave as it is
void require_two(const std::vector<MergeInput>& inputs);

/// The own context of each input and, with a weight above 0, the joint ones: one for all prompts that ask for the same
/// shares. As soon as one of them holds an own prompt of a further adapter, each asks for those alone that it names. If none
/// does, or subject or style is missing, a given prompt asks for all; a guessed one asks for subject and style.
/// @param joint_prompts  empty: joint_prompts_of the inputs
/// @throws Error(kUsage) if there is no joint prompt, or a single input that could have one
std::vector<PromptContext> prompt_contexts(const std::vector<MergeInput>& inputs,
                                           std::vector<std::string> joint_prompts, const JointOptions& joint);

/// Those of `contexts` that are joint ones.
std::span<const PromptContext> joint_of(const std::vector<PromptContext>& contexts,
                                        const std::vector<MergeInput>& inputs);
/// Of all joint ones.
std::vector<std::string> joint_prompts_in(const std::vector<PromptContext>& contexts,
                                          const std::vector<MergeInput>& inputs);

/// Of each adapter in the context: its share of the strength.
std::vector<double> strengths_in(const PromptContext& context, const std::vector<MergeInput>& inputs);

/// Says the joint prompts, if there are any: a wrong guess is seen.
void note_joint_prompts(const std::vector<MergeInput>& inputs, const std::vector<PromptContext>& contexts,
                        ProgressSink& progress);

}  // namespace ziplora
