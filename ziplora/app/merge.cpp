#include "ziplora/app/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <memory>

#include "ziplora/app/architecture.h"
#include "ziplora/app/default_base.h"
#include "ziplora/app/merge_metadata.h"
#include "ziplora/app/merge_recipe.h"
#include "ziplora/app/output_guard.h"
#include "ziplora/base/error.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/io/image_file.h"
#include "ziplora/lora/adapter_digest.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/compress.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/rank_split.h"
#include "ziplora/lora/stored_layer.h"
#include "ziplora/lora/target_names.h"
#include "ziplora/lora/trigger_words.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/zip_inputs.h"
#include "ziplora/merge/zip_state.h"
#include "ziplora/nn/one_torch_thread.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

fs::path beside(const fs::path& output, const std::string& kind) {
  fs::path path = output;
  return path.replace_extension(kind + ".safetensors");
}

/// Said before the learning, not after it.
void refuse_unwritable_output(const MergeRequest& request, const std::vector<MergeFile>& files) {
  const std::string where = "merge: -o " + request.output.string();
  std::vector<fs::path> inputs;
  for (const MergeFile& input : files) inputs.push_back(input.path);
  refuse_output_among(where, request.output, inputs);
  find_writable_dialect(request.format, "--format");
  require_writable(request.output, request.format);
}

std::vector<Adapter> read_inputs(const std::vector<MergeFile>& files, const Architecture& architecture,
                                 ProgressSink& progress) {
  std::vector<Adapter> adapters;
  const BaseWeights weights = architecture.weights();
  for (const MergeFile& file : files) {
    std::vector<std::string> warnings;
    adapters.push_back(read_adapter(file.path, *architecture.names, warnings, weights));
    adapters.back().source = file.path;
    for (const std::string& warning : warnings)
      progress.warning(file.path.filename().string() + ": " + warning);
  }
  return adapters;
}

std::vector<MergeInput> merge_inputs(const std::vector<MergeFile>& files,
                                     const std::vector<Adapter>& adapters, ProgressSink* prompts_told_to) {
  std::vector<MergeInput> inputs;
  for (size_t k = 0; k < adapters.size(); ++k) {
    const MergeFile& file = files[k];
    MergeInput input{.adapter = &adapters[k],
                     .role = file.role,
                     .weight = file.weight,
                     .prompts = file.prompts,
                     .images = {}};
    if (input.prompts.empty())
      if (const std::vector<std::string> words = trigger_words(adapters[k].metadata); !words.empty())
        input.prompts = {words.front()};
    if (file.images) input.images = list_images(*file.images);
    if (prompts_told_to && !input.prompts.empty())
      prompts_told_to->note(
          fmt::format("{}: \"{}\"", file.path.filename().string(), fmt::join(input.prompts, "\", \"")));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

std::optional<RankSplit> split_of_inputs(const std::vector<MergeInput>& inputs, const Adapter& merged) {
  std::vector<std::string> roles;
  std::vector<const Adapter*> adapters;
  for (const MergeInput& input : inputs) {
    roles.push_back(input.role);
    adapters.push_back(input.adapter);
  }
  return split_of(roles, adapters, merged);
}

/// A failed write leaves no new coefficients, and a merge without any leaves none of an earlier one: they
/// would tell of a file that is not there.
void write_with_coefficients(const MergeRequest& request, const Adapter& merged, const TargetNames& names,
                             const NamedTensors& coefficients, nlohmann::json& report) {
  write_adapter(request.output, merged, names, {.format = request.format, .dtype = request.dtype});
  const fs::path path = beside(request.output, ".coefficients");
  if (coefficients.empty()) {
    std::error_code ignored;  // nearly always there is none
    fs::remove(path, ignored);
    return;
  }
  write_safetensors(path, coefficients, {{"ziplora.recipe", merged.metadata.at("ziplora.recipe")}});
  report["coefficients_file"] = path.string();
}

}  // namespace

nlohmann::json run_merge(const MergeRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  const auto started = std::chrono::steady_clock::now();
  const std::optional<Recipe> recipe = read_recipe(request);
  const MergeMethod& method = find_merge_method(request.method);
  const nlohmann::json options = resolve_options(method, request.options);
  // Where factors are only copied, PyTorch's threads, which spin while they wait, would take the hashes'
  // core.
  const OneTorchThread one(!recipe && method.only_copies && !request.rank);
  const std::vector<MergeFile> files = recipe ? files_of(*recipe, *request.recipe) : request.inputs;
  const bool needs_base = !recipe && method.needs_base;
  if (files.empty())
    throw Error(ErrorKind::kUsage, "merge", "there is nothing to merge",
                "ziplora merge --subject dog.safetensors --style ink.safetensors -o dog-in-ink.safetensors");
  refuse_unwritable_output(request, files);

  // The base's weights are read last: a mistake in a small file shows at once.
  std::vector<fs::path> paths;
  for (const MergeFile& file : files) paths.push_back(file.path);
  const Architecture architecture =
      needs_base ? architecture_of_base(resolve_base(request.base)) : architecture_of(paths, request.base);
  const TargetNames& names = *architecture.names;
  const std::vector<Adapter> adapters = read_inputs(files, architecture, progress);
  const std::vector<MergeInput> inputs = merge_inputs(files, adapters, needs_base ? &progress : nullptr);
  if (needs_base) require_prompts(inputs);
  for (const Adapter& adapter : adapters) require_place_for(adapter, request.format);

  AdapterDigests digests(std::move(paths));
  const std::unique_ptr<Sdxl> base =
      needs_base ? load_sdxl(*architecture.base, request.policy, progress) : nullptr;
  MergeContext context{.base = base.get(),
                       .seed = request.seed,
                       .progress = &progress,
                       .cancel = &cancel,
                       .state_path = beside(request.output, ".merge-state"),
                       .resume = request.resume,
                       .names = &names};
  if (!request.rank)
    context.store = [dtype = request.dtype](const std::string& target, const LoraLayer& layer) {
      return stored_layer(layer, dtype, target);
    };
  MergeResult result = recipe ? run_recipe(*recipe, adapters_by_name(*recipe, adapters), context)
                              : method.run(inputs, options, context);
  nlohmann::json report = std::move(result.report);
  Adapter merged = std::move(result.adapter);
  // From here on the learning is over, and whatever ends the merge must not cost it.
  const std::string again = needs_base ? how_to_resume(context.state_path) : "run the same command again";
  if (request.rank) {
    Stage stage(progress, "compress", static_cast<int64_t>(merged.layers.size()));
    Compression compression = compress(merged, {.most = *request.rank}, [&] {
      cancel.throw_if_cancelled("merge", again);
      stage.step();
    });
    merged = std::move(compression.adapter);
    report["compression_error"] = compression.relative_error;
  }
  const nlohmann::json how =
      recipe ? recipe->to_json() : nlohmann::json{{"method", request.method}, {"options", options}};
  merged.metadata = merged_metadata(request, inputs, digests.get(), how, report, progress);
  if (!request.rank && !result.mixes_ranks)
    if (const auto split = split_of_inputs(inputs, merged))
      merged.metadata["ziplora.split"] = to_metadata(*split);
  int64_t largest_rank = 0;
  for (const auto& [target, layer] : merged.layers) largest_rank = std::max(largest_rank, layer.rank());
  cancel.throw_if_cancelled("merge", again);
  try {
    write_with_coefficients(request, merged, names, result.coefficients, report);
  } catch (const Error& error) {
    if (!needs_base) throw;
    throw Error(error.kind(), error.where(), error.problem(), error.hint() + "; " + again);
  }
  if (needs_base) fs::remove(context.state_path);  // not before: a full disk must not cost the learning
  report["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  report["peak_memory_bytes"] = peak_memory_bytes();
  report["output"] = request.output.string();
  report["method"] = recipe ? "recipe" : request.method;
  report["rank"] = largest_rank;
  report["layers"] = merged.layers.size();
  report["vectors"] = merged.vector_deltas.size();
  return report;
}

}  // namespace ziplora
