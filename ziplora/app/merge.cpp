#include "ziplora/app/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>

#include "ziplora/app/architecture.h"
#include "ziplora/app/default_base.h"
#include "ziplora/app/ignore_unused.h"
#include "ziplora/app/merge_inputs.h"
#include "ziplora/app/merge_metadata.h"
#include "ziplora/app/merge_plan.h"
#include "ziplora/app/read_adapters.h"
#include "ziplora/base/error.h"
#include "ziplora/base/free_space.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/io/image_file.h"
#include "ziplora/lora/adapter_digest.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/compress.h"
#include "ziplora/lora/fitting_write.h"
#include "ziplora/lora/rank_split.h"
#include "ziplora/lora/stored_layer.h"
#include "ziplora/lora/target_names.h"
#include "ziplora/lora/trigger_words.h"
#include "ziplora/merge/kept_moments.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/prompt_context.h"
#include "ziplora/merge/zip_inputs.h"
#include "ziplora/merge/zip_state.h"
#include "ziplora/nn/one_torch_thread.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

void note_prompts(const std::vector<MergeInput>& inputs, ProgressSink& progress) {
  for (const MergeInput& input : inputs)
    if (!input.prompts.empty())
      progress.note(fmt::format("{}: \"{}\"", input.adapter->source.filename().string(),
                                fmt::join(input.prompts, "\", \"")));
}

std::optional<RankSplit> split_of_inputs(const std::vector<MergeInput>& inputs, const Adapter& merged) {
  std::vector<Role> roles;
  std::vector<const Adapter*> adapters;
  for (const MergeInput& input : inputs) {
    roles.push_back(input.role);
    adapters.push_back(input.adapter);
  }
  return split_of(roles, adapters, merged);
}

MergeContext context_of(const MergeRequest& request, const MergePlan& plan, Sdxl* base,
                        const TargetNames& names, ProgressSink& progress, const CancelToken& cancel) {
  MergeContext context{.base = base,
                       .seed = request.seed,
                       .progress = &progress,
                       .cancel = &cancel,
                       .team = request.team,
                       .joint_prompts = request.joint_prompts,
                       .state_path = plan.state_path,
                       .resume = request.resume,
                       .checkpoint_minutes = request.checkpoint_minutes,
                       .names = &names};
  if (!request.rank)
    context.store = [dtype = request.write.dtype](const std::string& target, const LoraLayer& layer) {
      return stored_layer(layer, dtype, target);
    };
  return context;
}

/// Of the merged file, at least.
uint64_t file_size_bytes(const std::vector<Adapter>& adapters, at::ScalarType dtype) {
  uint64_t values = 0;
  for (const Adapter& adapter : adapters)
    for (const auto& [target, layer] : adapter.layers)
      values += static_cast<uint64_t>(layer.down.numel() + layer.up.numel());
  return values * c10::elementSize(dtype);
}

/// Removes what was only kept lest the learning be lost.
void forget(const MergeContext& context) {
  std::error_code ignored;  // a state too many does no harm
  fs::remove(context.state_path, ignored);
  if (context.kept_state.empty() || context.kept_state == context.state_path) return;
  fs::remove(context.kept_state, ignored);
  fs::remove(context.kept_state.parent_path(), ignored);
}

std::string hint_to_go_on(const MergeContext& context) {
  return context.kept_state.empty() ? "run the same command again"
                                    : how_to_resume(context.state_path, context.kept_state);
}

/// Whatever ends the work must not lose what was learned; the error says how to go on.
void with_hint_to_go_on(const MergeContext& context, ProgressSink& progress,
                        const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    if (context.kept_state.empty() || error.kind() == ErrorKind::kInterrupted ||
        error.kind() == ErrorKind::kNonFinite)  // the same would come of it again
      throw;
    throw Error(error.kind(), error.where(), error.problem(),
                error.hint() + (error.hint().empty() ? "" : "; ") + hint_to_go_on(context));
  } catch (const std::exception&) {
    if (!context.kept_state.empty()) progress.warning(hint_to_go_on(context));
    throw;
  }
}

/// @param again  how to go on if it is interrupted
/// @return the relative error
double compress_to(int64_t rank, Adapter& merged, const std::string& again, ProgressSink& progress,
                   const CancelToken& cancel) {
  Stage stage(progress, "compress", static_cast<int64_t>(merged.layers.size()));
  Compression compression = compress(merged, {.most = rank}, [&] {
    cancel.throw_if_cancelled("merge", again);
    stage.step();
  });
  merged = std::move(compression.adapter);
  return compression.relative_error;
}

/// A failed write leaves no new coefficients, and a merge without coefficients removes those of an earlier
/// merge: they would describe a file that is no longer there.
/// @return the file of the coefficients
std::optional<fs::path> write_result(const MergeRequest& request, const fs::path& coefficients_path,
                                     const MergeResult& result, const TargetNames& names,
                                     ProgressSink& progress) {
  write_in_fitting_dtype(request.output, result.adapter, names, request.write, progress);
  if (coefficients_path.empty() && !result.coefficients.empty())
    progress.note("the coefficients are not written: the output is a pipe or a device");
  if (coefficients_path.empty() || result.coefficients.empty()) {
    std::error_code ignored;  // nearly always there is none
    fs::remove(coefficients_path, ignored);
    return std::nullopt;
  }
  write_safetensors(coefficients_path, result.coefficients,
                    {{"ziplora.recipe", result.adapter.metadata.at("ziplora.recipe")}});
  return coefficients_path;
}

void record_result(MergeResult& result, MergeOutcome& outcome) {
  for (const auto& [target, layer] : result.adapter.layers)
    outcome.rank = std::max(outcome.rank, layer.rank());
  outcome.layers = result.adapter.layers.size();
  outcome.vectors = result.adapter.vector_deltas.size();
  outcome.report = std::move(result.report);
}

bool has_more_ranks(const Adapter& adapter, int64_t rank) {
  return std::ranges::any_of(adapter.layers, [&](const auto& entry) { return entry.second.rank() > rank; });
}

/// With the batch of all processes together, which one process could do alone.
MergePlan plan_for_all(const MergeRequest& request) {
  MergePlan plan = plan_of(request);
  constexpr const char* kBatch = "batch-size";
  if (plan.needs_base() && plan.options.contains(kBatch))
    plan.options[kBatch] = plan.options[kBatch].get<int64_t>() * request.team->size();
  return plan;
}

}  // namespace

nlohmann::json MergeOutcome::to_json() const {
  nlohmann::json json = report.to_json();
  json["output"] = output.string();
  json["method"] = method;
  json["rank"] = rank;
  json["layers"] = layers;
  json["vectors"] = vectors;
  json["seconds"] = seconds;
  json["peak_memory_bytes"] = peak_memory_bytes;
  if (compression_error) json["compression_error"] = *compression_error;
  if (coefficients_file) json["coefficients_file"] = coefficients_file->string();
  return json;
}

MergeOutcome run_merge(const MergeRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  const auto started = std::chrono::steady_clock::now();
  const MergePlan plan = plan_for_all(request);
  const std::vector<MergeFile>& files = plan.files;
  const bool needs_base = plan.needs_base();
  const bool leads = request.team->leads();
  MergeOutcome outcome{.output = request.output, .method = plan.recipe ? "recipe" : request.method};
  if (!leads && !needs_base) return outcome;
  // PyTorch's threads spin while they wait. Where factors are only copied, they would take the hashes' core.
  const OneTorchThread one(plan.only_copies() && !request.rank);

  // The base's weights are read last, so a mistake in a small file shows at once.
  std::vector<fs::path> paths;
  for (const MergeFile& file : files) paths.push_back(file.path);
  const Architecture architecture =
      needs_base ? architecture_of_base(resolve_base(request.base)) : architecture_of(paths, request.base);
  const TargetNames& names = *architecture.names;
  AdapterDigests digests(paths);
  const std::vector<Adapter> adapters =
      read_adapters(paths, architecture, ignore_unused(request.ignore_unused), progress);
  digests.start();
  std::vector<MergeInput> inputs = merge_inputs(files, adapters);
  if (needs_base) {
    note_prompts(inputs, progress);
    require_prompts(inputs);
  }
  const std::vector<PromptContext> contexts = contexts_of(plan, request, inputs);
  for (const Adapter& adapter : adapters) require_place_for(adapter, request.write.format);

  std::optional<KeptMoments> kept_moments;
  if (request.contexts) kept_moments.emplace(*request.contexts);
  std::vector<std::string> sha256 = needs_base ? digests.get() : std::vector<std::string>();
  for (size_t k = 0; k < sha256.size(); ++k) inputs[k].sha256 = sha256[k];
  if (needs_base && !request.rank)
    require_space_for(request.output, file_size_bytes(adapters, request.write.dtype));
  std::shared_ptr<Sdxl> base = needs_base ? request.loaded_base : nullptr;
  if (needs_base && !base) base = load_sdxl(*architecture.base, request.policy, progress);
  MergeContext context = context_of(request, plan, base.get(), names, progress, cancel);
  context.kept_moments = kept_moments ? &*kept_moments : nullptr;
  MergeResult result;
  with_hint_to_go_on(context, progress, [&] {
    result = plan.recipe ? run_recipe(*plan.recipe, adapters_by_name(*plan.recipe, adapters), context)
                         : plan.method->run(inputs, plan.options, context);
    if (!leads) return;
    Adapter& merged = result.adapter;
    const std::string again = hint_to_go_on(context);
    if (request.rank && (!result.report.svd_error || has_more_ranks(merged, *request.rank)))
      outcome.compression_error = compress_to(*request.rank, merged, again, progress, cancel);
    if (sha256.empty()) sha256 = digests.get();
    merged.metadata =
        merged_metadata(request, inputs, sha256, recipe_of(plan, inputs, contexts), result.report, progress);
    if (!request.rank && !result.mixes_ranks)
      if (const auto split = split_of_inputs(inputs, merged))
        merged.metadata["ziplora.split"] = to_metadata(*split);
    cancel.throw_if_cancelled("merge", again);
    outcome.coefficients_file = write_result(request, plan.coefficients_path, result, names, progress);
  });
  if (!leads) return outcome;
  if (plan.keeps_state()) forget(context);  // only now: a full disk must not cost the learning

  record_result(result, outcome);
  outcome.peak_memory_bytes = peak_memory_bytes();
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return outcome;
}

}  // namespace ziplora
