#pragma once
/// What a merge request comes to, checked as far as that is possible before any LoRA file is read.
///
///     const MergePlan plan = plan_of(request);
///     if (plan.needs_base()) …

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "ziplora/app/merge.h"
#include "ziplora/app/merge_recipe.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/prompt_context.h"

namespace ziplora {

struct MergePlan {
  std::optional<Recipe> recipe;
  const MergeMethod* method;
  /// The method's, every one with a value.
  nlohmann::json options;
  std::vector<MergeFile> files;
  /// Beside the output; empty if that is a pipe or a device, beside which nothing belongs.
  std::filesystem::path state_path, coefficients_path;

  bool needs_base() const { return !recipe && method->needs_base; }
  bool learns_in_contexts() const { return !recipe && options.contains("joint-weight"); }
  bool learns_on_images() const { return !recipe && options.contains("images"); }
  bool records_contexts() const {
    return !recipe && (options.contains("context-steps") || options.value("start", "") == "solve");
  }
  bool keeps_state() const { return !recipe && method->keeps_state; }
  bool only_copies() const { return !recipe && method->only_copies; }
};

/// @throws Error(kUsage) for what does not go together or would be ignored, for an output that cannot be written, and
///         if the state of an interrupted merge is there and `resume` is not asked for; as read_recipe
MergePlan plan_of(const MergeRequest& request);

/// The inputs' own contexts and the joint one; none if the method does not learn in contexts.
/// @throws Error(kUsage) if there is no joint prompt, though it has a weight
std::vector<PromptContext> contexts_of(const MergePlan& plan, const MergeRequest& request,
                                       const std::vector<MergeInput>& inputs);

/// For the metadata: method, options and joint prompts, or the recipe's steps.
nlohmann::json recipe_of(const MergePlan& plan, const std::vector<MergeInput>& inputs,
                         const std::vector<PromptContext>& contexts);

}  // namespace ziplora
