#include "ziplora/app/convert_bake.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "ziplora/app/base_targets.h"
#include "ziplora/app/ignore_unused.h"
#include "ziplora/app/output_guard.h"
#include "ziplora/app/unadapted_files.h"
#include "ziplora/base/atomic_folder.h"
#include "ziplora/base/error.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/size_on_disk.h"
#include "ziplora/lora/adapter_digest.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/bake.h"
#include "ziplora/models/base_files.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

void check(const BakeRequest& request) {
  const std::string where = "convert: -o " + request.output.string();
  if (request.adapters.empty())
    throw Error(ErrorKind::kUsage, "convert: --into " + request.base.string(), "there is no adapter to bake",
                "add --bake FILE[:STRENGTH]");
  std::vector<fs::path> inputs{request.base};
  for (const AdapterChoice& choice : request.adapters) inputs.push_back(choice.file);
  refuse_output_among(where, request.output, inputs);
  if (!fs::is_directory(request.base) && (fs::is_directory(request.output) || !request.output.has_filename()))
    throw Error(ErrorKind::kUsage, where, "the base is a single file, and this is a folder",
                "name a file: -o baked.safetensors");
}

json recipe_of(const BakeRequest& request, const std::vector<std::string>& sha256) {
  json recipe{{"method", "bake"}, {"base", request.base.filename().string()}};
  for (size_t k = 0; k < sha256.size(); ++k) {
    recipe["inputs"].push_back({{"file", request.adapters[k].file.filename().string()},
                                {"scale", request.adapters[k].strength},
                                {"sha256", sha256[k]}});
  }
  return recipe;
}

/// The base's own, without the hash that is no longer true.
StringMap baked_metadata(const StringMap& of_base, const json& recipe) {
  StringMap metadata = of_base;
  metadata.erase("modelspec.hash_sha256");
  metadata["format"] = "pt";
  metadata["ziplora.recipe"] = json_line(recipe);
  return metadata;
}

void write_folder(const BakeRequest& request, const BaseFiles& base, const Baker& baker, const json& recipe,
                  Stage& stage, const CancelToken& cancel) {
  AtomicFolder output(request.output);
  copy_unadapted_files(base, output, cancel);
  for (const BaseFile& file : base.files())
    baker.write(file, output / file.component / file.path.filename(),
                baked_metadata(file.tensors->metadata(), recipe), stage, cancel);
  output.commit();
}

std::vector<Adapter> read_adapters(const BakeRequest& request, const TargetNames& names,
                                   const BaseFiles& base, ProgressSink& progress) {
  const BaseWeights weights = [&](const std::string& canonical) {
    return base.tensor(canonical + ".weight");
  };
  std::vector<Adapter> adapters;
  for (const AdapterChoice& choice : request.adapters) {
    std::vector<std::string> warnings;
    adapters.push_back(
        read_adapter(choice.file, names, warnings, weights, ignore_unused(request.ignore_unused)));
    adapters.back().source = choice.file;
    for (const std::string& warning : warnings)
      progress.warning(choice.file.filename().string() + ": " + warning);
  }
  return adapters;
}

void count_tensors(const BaseFiles& base, BakeResult& result) {
  for (const BaseFile& file : base.files())
    for (const auto& [name, info] : file.tensors->tensors()) {
      ++result.tensors;
      result.largest_tensor_bytes = std::max(result.largest_tensor_bytes, info.end - info.begin);
    }
}

}  // namespace

json BakeResult::to_json() const {
  json report{{"output", output.string()},
              {"base", base.string()},
              {"changed_tensors", changed_tensors},
              {"tensors", tensors},
              {"size_bytes", size_bytes},
              {"largest_tensor_bytes", largest_tensor_bytes},
              {"seconds", seconds},
              {"peak_memory_bytes", peak_memory_bytes}};
  for (const BakedAdapter& adapter : adapters)
    report["adapters"].push_back(
        {{"file", adapter.file.string()}, {"scale", adapter.strength}, {"layers", adapter.layers}});
  return report;
}

BakeResult run_bake(const BakeRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  check(request);
  const TargetNames names = base_targets(request.base);
  const BaseFiles base(request.base, names.unet, names.text_encoder_2);
  std::vector<fs::path> files;
  for (const AdapterChoice& choice : request.adapters) files.push_back(choice.file);
  AdapterDigests digests(std::move(files));
  const std::vector<Adapter> adapters = read_adapters(request, names, base, progress);
  digests.start();
  BakeResult result{.output = request.output, .base = request.base, .adapters = {}};
  count_tensors(base, result);
  std::vector<ScaledAdapter> scaled;
  for (size_t k = 0; k < adapters.size(); ++k) {
    const AdapterChoice& choice = request.adapters[k];
    scaled.push_back({&adapters[k], choice.strength});
    result.adapters.push_back({choice.file, choice.strength, adapters[k].layers.size()});
  }
  const Baker baker(base, scaled, request.dtype);
  {
    Stage stage(progress, "bake", result.tensors);
    const json recipe = recipe_of(request, digests.get());
    if (base.is_folder())
      write_folder(request, base, baker, recipe, stage, cancel);
    else
      baker.write(base.files().front(), request.output,
                  baked_metadata(base.files().front().tensors->metadata(), recipe), stage, cancel);
    result.seconds = stage.seconds();
  }
  if (!base.is_folder() && fs::is_directory(companion_folder(request.base)))
    progress.note(fmt::format("to load it here, copy {} to {}: its configs and tokenizers",
                              companion_folder(request.base).string(),
                              companion_folder(request.output).string()));
  result.changed_tensors = baker.changed_tensors();
  result.size_bytes = size_on_disk(request.output);
  result.peak_memory_bytes = peak_memory_bytes();
  return result;
}

}  // namespace ziplora
