#include "ziplora/app/merge_plan.h"

#include <fmt/format.h>
#include <limits.h>

#include "ziplora/app/output_guard.h"
#include "ziplora/base/error.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

/// The longest names lose their end, so that the output's own name may be as long as any.
/// @return empty if the output is a pipe or a device
fs::path beside(const fs::path& output, const std::string& kind) {
  std::error_code unseen;
  const fs::file_type type = fs::status(output, unseen).type();
  if (type == fs::file_type::fifo || type == fs::file_type::character) return {};
  const std::string ending = kind + ".safetensors";
  return output.parent_path() / (output.stem().string().substr(0, NAME_MAX - ending.size()) + ending);
}

/// Checked before any work starts.
void refuse_unwritable_output(const MergeRequest& request, const std::vector<MergeFile>& files) {
  const std::string where = "merge: -o " + request.output.string();
  std::vector<fs::path> inputs;
  for (const MergeFile& input : files) inputs.push_back(input.path);
  refuse_output_among(where, request.output, inputs);
  find_writable_dialect(request.write.format, "--format");
  require_writable(request.output, request.write.format);
}

/// What a rerun would begin anew, and then write over.
void refuse_to_forget(const fs::path& state, bool resume) {
  std::error_code unseen;
  if (resume || !fs::exists(state, unseen)) return;
  throw Error(ErrorKind::kUsage, "merge", state.string() + " is what an interrupted merge has learned",
              "go on with that merge (the same command with --resume), or remove the file to start over");
}

/// Where a method makes factors by an SVD of its own, the rank that is asked for is that SVD's. Cut to its usual
/// rank first, the result could not have more.
void give_rank_to_svd(nlohmann::json& options, int64_t rank) {
  if (options.value("svd-rank", -1) == 0 && options.value("on", "delta") == "delta")
    options["svd-rank"] = rank;
}

/// Both would be ignored: a joint prompt that does not count, and the subject's share in it.
void refuse_what_no_joint_prompt_takes(const MergePlan& plan, const MergeRequest& request) {
  const bool gives_prompt = !request.joint_prompts.empty();
  if (!gives_prompt && !(plan.learns_in_contexts() && request.options.contains("joint-subject"))) return;
  const std::string where = gives_prompt ? "merge: --joint-prompt" : "merge: --joint-subject";
  if (plan.recipe || !plan.learns_in_contexts())
    throw Error(ErrorKind::kUsage, where,
                plan.recipe ? "a recipe has no joint prompt"
                            : fmt::format("the method {} has no joint prompt", plan.method->name),
                "leave it out, or try --method ssr");
  if (joint_options_of(plan.options).weight == 0)
    throw Error(ErrorKind::kUsage, where, "the joint prompt has no weight",
                fmt::format("add --joint-weight 1, or leave the {} out", gives_prompt ? "prompt" : "share"));
}

/// Images that no method learns on would be ignored, and the file would name their LoRA as learned on them.
void refuse_images_unless_learned_on(const MergePlan& plan) {
  if (plan.learns_on_images()) return;
  for (const MergeFile& file : plan.files)
    if (file.images)
      throw Error(ErrorKind::kUsage, fmt::format("merge: --{}-images", name_of(file.role)),
                  plan.recipe ? "a recipe learns on no images"
                              : fmt::format("the method {} learns on no images", plan.method->name),
                  "leave them out, or use --method zip");
}

/// It would be ignored, or replace something else.
void refuse_contexts_file(const MergePlan& plan, const MergeRequest& request) {
  if (!request.contexts) return;
  const std::string where = "merge: --contexts " + request.contexts->string();
  if (!plan.records_contexts())
    throw Error(ErrorKind::kUsage, where,
                plan.recipe ? "a recipe records no contexts"
                            : fmt::format("the method {} records no contexts", plan.method->name),
                "leave it out, or try --method ssr");
  for (const fs::path& other : {request.output, plan.state_path, plan.coefficients_path})
    if (is_same_place(*request.contexts, other))
      throw Error(ErrorKind::kUsage, where, "the merge writes something else into this file",
                  "name another file, for example dog-in-ink.contexts.safetensors");
  std::vector<fs::path> inputs;
  for (const MergeFile& file : plan.files) inputs.push_back(file.path);
  refuse_output_among(where, *request.contexts, inputs);
}

}  // namespace

std::vector<PromptContext> contexts_of(const MergePlan& plan, const MergeRequest& request,
                                       const std::vector<MergeInput>& inputs) {
  if (!plan.learns_in_contexts()) return {};
  return prompt_contexts(inputs, request.joint_prompts, joint_options_of(plan.options));
}

nlohmann::json recipe_of(const MergePlan& plan, const std::vector<MergeInput>& inputs,
                         const std::vector<PromptContext>& contexts) {
  if (plan.recipe) return plan.recipe->to_json();
  nlohmann::json recipe{{"method", plan.method->name}, {"options", plan.options}};
  if (!joint_of(contexts, inputs).empty()) recipe["joint_prompts"] = joint_prompts_in(contexts, inputs);
  return recipe;
}

MergePlan plan_of(const MergeRequest& request) {
  if (!(request.checkpoint_minutes >= 0))
    throw Error(ErrorKind::kUsage, "merge: --checkpoint-minutes",
                fmt::format("{} is not a number of minutes", request.checkpoint_minutes),
                "for example --checkpoint-minutes 5; 0 saves no state before the end");
  MergePlan plan{.recipe = read_recipe(request),
                 .method = &find_merge_method(request.method),
                 .options = {},
                 .files = request.inputs,
                 .state_path = beside(request.output, ".merge-state"),
                 .coefficients_path = beside(request.output, ".coefficients")};
  plan.options = resolve_options(*plan.method, request.options);
  if (request.rank) give_rank_to_svd(plan.options, *request.rank);
  if (plan.recipe) plan.files = files_of(*plan.recipe, *request.recipe);
  if (plan.files.empty())
    throw Error(ErrorKind::kUsage, "merge", "there is nothing to merge",
                "ziplora merge --subject dog.safetensors --style ink.safetensors -o dog-in-ink.safetensors");
  refuse_unwritable_output(request, plan.files);
  if (plan.keeps_state()) refuse_to_forget(plan.state_path, request.resume);
  if (request.resume && !plan.keeps_state())
    throw Error(ErrorKind::kUsage, "merge: --resume",
                plan.recipe ? "a recipe keeps no state to go on from"
                            : fmt::format("the method {} keeps no state to go on from", request.method),
                "leave out --resume; the merge starts anew");
  refuse_what_no_joint_prompt_takes(plan, request);
  refuse_images_unless_learned_on(plan);
  refuse_contexts_file(plan, request);
  return plan;
}

}  // namespace ziplora
