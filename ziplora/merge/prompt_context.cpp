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

/// "dog" and "dog,".
bool same_word(std::string_view a, std::string_view b) {
  const auto bare = [](std::string_view word) {
    return word.ends_with(',') ? word.substr(0, word.size() - 1) : word;
  };
  return bare(a) == bare(b);
}

bool is_article(const std::string& word) { return word == "a" || word == "an" || word == "the"; }

/// From the last preposition on; of a prompt that names no thing, all of it.
size_t ending_of_one(const Words& words) {
  for (size_t ending = 1; ending <= words.size(); ++ending)
    if (const std::string& word = words.rbegin()[ending - 1]; word == "in" || word == "by") return ending;
  return words.empty() || is_article(words.front()) ? 0 : words.size();
}

/// "a sks plant", but not "szn style" or "a fox, in szn style".
bool names_a_thing(const Words& words) {
  return !words.empty() && is_article(words.front()) && ending_of_one(words) == 0;
}

/// Whether one of the input's own prompts stands in the joint one, word for word.
bool names(const Words& joint, const MergeInput& input) {
  return std::ranges::any_of(input.prompts, [&](const std::string& prompt) {
    const Words own = words_of(prompt);
    return !own.empty() && !std::ranges::search(joint, own, same_word).empty();
  });
}

bool names_one(const Words& joint, const std::vector<MergeInput>& inputs, Role role) {
  return std::ranges::any_of(
      inputs, [&](const MergeInput& input) { return input.role == role && names(joint, input); });
}

/// Further adapters that a prompt names without the subject stand in its place.
/// @param by_name  whether it asks nothing of those that it does not name
std::vector<double> joint_shares(const Words& joint, const std::vector<MergeInput>& inputs,
                                 double subject_share, bool by_name) {
  const bool asks_subject =
      !names_one(joint, inputs, Role::kAdapter) || names_one(joint, inputs, Role::kSubject);
  const auto share_of = [&](const MergeInput& input) {
    if (input.role == Role::kStyle) return 1.0;
    if (input.role == Role::kSubject) return asks_subject ? subject_share : 0.0;
    if (!by_name) return 1.0;
    if (!names(joint, input)) return 0.0;
    return asks_subject ? 1.0 : subject_share;
  };
  std::vector<double> shares;
  for (const MergeInput& input : inputs) shares.push_back(share_of(input));
  return shares;
}

/// One for all prompts that ask for the same shares.
std::vector<PromptContext> joint_contexts(const std::vector<std::string>& prompts,
                                          const std::vector<MergeInput>& inputs, const JointOptions& joint,
                                          bool is_guessed) {
  const auto has = [&](Role role) {
    return std::ranges::any_of(inputs, [&](const MergeInput& input) { return input.role == role; });
  };
  const auto names_further = [&](const std::string& prompt) {
    return names_one(words_of(prompt), inputs, Role::kAdapter);
  };
  // Without roles nobody is further than another.
  const bool by_name =
      has(Role::kSubject) && has(Role::kStyle) && (is_guessed || std::ranges::any_of(prompts, names_further));
  std::vector<PromptContext> contexts;
  for (const std::string& prompt : prompts) {
    std::vector<double> shares = joint_shares(words_of(prompt), inputs, joint.subject_share, by_name);
    const auto same = std::ranges::find(contexts, shares, &PromptContext::shares);
    if (same != contexts.end())
      same->prompts.push_back(prompt);
    else
      contexts.push_back({.name = contexts.empty() ? "joint" : fmt::format("joint {}", contexts.size() + 1),
                          .weight = joint.weight,
                          .prompts = {prompt},
                          .shares = std::move(shares)});
  }
  return contexts;
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

  std::vector<std::string> things = prompts_of(inputs, Role::kSubject);
  for (const std::string& further : prompts_of(inputs, Role::kAdapter))
    if (!things.empty() && names_a_thing(words_of(further)) &&
        std::ranges::find(things, further) == things.end())  // one that is called so, too, is no other prompt
      things.push_back(further);
  std::vector<std::string> joint;
  for (const std::string& thing : things)
    joint.push_back(fmt::format("{}{} {}", thing, comma, fmt::join(begin, style.end(), " ")));
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
  for (PromptContext& context : joint_contexts(joint_prompts, inputs, joint, is_guessed))
    contexts.push_back(std::move(context));
  return contexts;
}

std::span<const PromptContext> joint_of(const std::vector<PromptContext>& contexts,
                                        const std::vector<MergeInput>& inputs) {
  return std::span(contexts).subspan(std::min(inputs.size(), contexts.size()));
}

std::vector<std::string> joint_prompts_in(const std::vector<PromptContext>& contexts,
                                          const std::vector<MergeInput>& inputs) {
  std::vector<std::string> prompts;
  for (const PromptContext& joint : joint_of(contexts, inputs))
    prompts.insert(prompts.end(), joint.prompts.begin(), joint.prompts.end());
  return prompts;
}

std::vector<double> strengths_in(const PromptContext& context, const std::vector<MergeInput>& inputs) {
  std::vector<double> strengths;
  for (size_t k = 0; k < inputs.size(); ++k) strengths.push_back(context.shares[k] * inputs[k].strength);
  return strengths;
}

void note_joint_prompts(const std::vector<MergeInput>& inputs, const std::vector<PromptContext>& contexts,
                        ProgressSink& progress) {
  const std::span<const PromptContext> joints = joint_of(contexts, inputs);
  if (joints.empty()) return;
  progress.note(fmt::format("joint: \"{}\"", fmt::join(joint_prompts_in(contexts, inputs), "\", \"")));
  for (size_t k = 0; k < inputs.size(); ++k)
    if (std::ranges::all_of(joints, [&](const PromptContext& joint) { return joint.shares[k] == 0; }))
      progress.note(fmt::format("joint prompts do not name {} and ask nothing of it", describe(inputs[k])));
}

}  // namespace ziplora
