#include "ziplora/merge/prompt_context.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "ziplora/base/error.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& prompt) {
  std::istringstream stream(prompt);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> prompts_of(const std::vector<MergeInput>& inputs, Role role) {
  std::vector<std::string> prompts;
  for (const MergeInput& input : inputs)
    if (input.role == role) prompts.insert(prompts.end(), input.prompts.begin(), input.prompts.end());
  return prompts;
}

/// How many words at the end all prompts have in common, but for the first word of the shortest one.
size_t shared_ending(const std::vector<Words>& prompts) {
  size_t shared = 0;
  while (std::all_of(prompts.begin(), prompts.end(), [&](const Words& words) {
    return words.size() > shared + 1 && words.rbegin()[shared] == prompts.front().rbegin()[shared];
  }))
    ++shared;
  return shared;
}

bool is_article(const std::string& word) { return word == "a" || word == "an" || word == "the"; }

/// From the last preposition on; of a prompt that names no thing, all of it.
size_t ending_of_one(const Words& words) {
  for (size_t ending = 1; ending <= words.size(); ++ending)
    if (const std::string& word = words.rbegin()[ending - 1]; word == "in" || word == "by") return ending;
  return words.empty() || is_article(words.front()) ? 0 : words.size();
}

/// A guessed prompt has no words of further adapters, so it asks nothing of them.
double joint_share(Role role, const JointOptions& joint, bool is_guessed) {
  if (role == Role::kSubject) return joint.subject_share;
  return role == Role::kAdapter && is_guessed ? 0 : 1;
}

}  // namespace

std::vector<MergeOption> joint_table(const JointOptions& defaults) {
  return {{.name = "joint-weight",
           .help = "Weigh the joint prompt by this, beside 1 for each own prompt; 0: own prompts alone",
           .default_value = defaults.weight,
           .minimum = 0},
          {.name = "joint-subject",
           .help = "Give the subject this share of its strength under the joint prompt",
           .default_value = defaults.subject_share,
           .minimum = 0}};
}

JointOptions joint_options_of(const nlohmann::json& values) {
  return {.weight = values["joint-weight"], .subject_share = values["joint-subject"]};
}

std::vector<std::string> joint_prompts_of(const std::vector<MergeInput>& inputs) {
  std::vector<Words> styles;
  for (const std::string& prompt : prompts_of(inputs, Role::kStyle)) styles.push_back(words_of(prompt));
  if (styles.empty()) return {};
  const size_t shared = styles.size() > 1 ? shared_ending(styles) : ending_of_one(styles.front());
  if (shared == 0) return {};
  const Words& style = styles.front();
  const auto begin = style.end() - static_cast<int64_t>(shared);
  const char* comma = begin == style.begin() || (begin - 1)->ends_with(',') ? "," : "";

  std::vector<std::string> joint;
  for (const std::string& subject : prompts_of(inputs, Role::kSubject))
    joint.push_back(fmt::format("{}{} {}", subject, comma, fmt::join(begin, style.end(), " ")));
  return joint;
}

void require_two(const std::vector<MergeInput>& inputs) {
  if (inputs.size() < 2)
    throw Error(ErrorKind::kUsage, "merge",
                fmt::format("found {} adapter, expected at least two", inputs.size()),
                "add --style FILE or --adapter FILE");
}

std::vector<PromptContext> prompt_contexts(const std::vector<MergeInput>& inputs,
                                           std::vector<std::string> joint_prompts,
                                           const JointOptions& joint) {
  const bool is_guessed = joint_prompts.empty();
  const std::vector<std::string> names = unique_names(inputs);
  std::vector<PromptContext> contexts;
  for (size_t k = 0; k < inputs.size(); ++k) {
    PromptContext own{.name = names[k], .prompts = inputs[k].prompts, .shares = {}};
    own.shares.assign(inputs.size(), 0.0);
    own.shares[k] = 1;
    contexts.push_back(std::move(own));
  }
  if (joint.weight == 0) return contexts;
  require_two(inputs);
  if (is_guessed) joint_prompts = joint_prompts_of(inputs);
  if (joint_prompts.empty())
    throw Error(ErrorKind::kUsage, "merge: --joint-prompt",
                "the inputs' own prompts do not tell how subject and style are called together",
                "add --joint-prompt \"a sks dog, in szn style\" with your words, or --joint-weight 0");
  PromptContext together{
      .name = "joint", .weight = joint.weight, .prompts = std::move(joint_prompts), .shares = {}};
  for (const MergeInput& input : inputs)
    together.shares.push_back(joint_share(input.role, joint, is_guessed));
  contexts.push_back(std::move(together));
  return contexts;
}

bool has_joint(const std::vector<MergeInput>& inputs, const std::vector<PromptContext>& contexts) {
  return contexts.size() > inputs.size();
}

std::vector<double> strengths_in(const PromptContext& context, const std::vector<MergeInput>& inputs) {
  std::vector<double> strengths;
  for (size_t k = 0; k < inputs.size(); ++k) strengths.push_back(context.shares[k] * inputs[k].strength);
  return strengths;
}

void note_joint_prompt(const std::vector<MergeInput>& inputs, const std::vector<PromptContext>& contexts,
                       ProgressSink& progress) {
  if (!has_joint(inputs, contexts)) return;
  const PromptContext& joint = contexts.back();
  progress.note(fmt::format("joint: \"{}\"", fmt::join(joint.prompts, "\", \"")));
  for (size_t k = 0; k < inputs.size(); ++k)
    if (inputs[k].role == Role::kAdapter && joint.shares[k] == 0)
      progress.note(fmt::format(
          "the joint prompt is made of the subject's and the style's words and asks nothing of {}",
          describe(inputs[k])));
}

}  // namespace ziplora
