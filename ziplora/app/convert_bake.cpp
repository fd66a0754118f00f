#include "ziplora/app/convert_bake.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <vector>

#include "ziplora/app/base_targets.h"
#include "ziplora/app/convert.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/atomic_folder.h"
#include "ziplora/base/error.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/io/json_file.h"
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
                "add --bake FILE[:scale]");
  std::vector<fs::path> inputs{request.base};
  for (const AdapterChoice& choice : request.adapters) inputs.push_back(choice.file);
  refuse_output_among(request.output, inputs);
  if (!fs::is_directory(request.base) && (fs::is_directory(request.output) || !request.output.has_filename()))
    throw Error(ErrorKind::kUsage, where, "the checkpoint is one file, and this is a folder",
                "name a file: -o baked.safetensors");
}

json recipe_of(const BakeRequest& request, const std::vector<Adapter>& adapters) {
  json recipe{{"method", "bake"}, {"base", request.base.filename().string()}};
  for (size_t k = 0; k < adapters.size(); ++k) {
    recipe["inputs"].push_back({{"file", request.adapters[k].file.filename().string()},
                                {"scale", request.adapters[k].strength},
                                {"sha256", sha256_of_adapter(request.adapters[k].file)}});
  }
  return recipe;
}

/// The base's own, without hashes that are no longer true.
StringMap baked_metadata(const StringMap& of_base, const json& recipe) {
  StringMap metadata = of_base;
  metadata.erase("modelspec.hash_sha256");
  metadata["format"] = "pt";
  metadata["ziplora.recipe"] = json_line(recipe);
  return metadata;
}

bool is_weights(const fs::path& file) {
  static const std::set<std::string> kExtensions{".safetensors", ".bin",     ".ckpt", ".pt",  ".pth",
                                                 ".onnx",        ".msgpack", ".h5",   ".gguf"};
  // Indices of shards name the weights they belong to.
  return kExtensions.count(file.extension().string()) != 0 ||
         file.filename().string().find(".safetensors.index") != std::string::npos;
}

/// As std::filesystem::copy_file, with a full disk as the error that it is.
void copy(const fs::path& from, const fs::path& to, const CancelToken& cancel) {
  std::ifstream input(from, std::ios::binary);
  AtomicFile output(to);
  std::vector<char> block(size_t{1} << 20);
  while (input.read(block.data(), static_cast<std::streamsize>(block.size())) || input.gcount() > 0) {
    cancel.throw_if_cancelled("bake");
    output.write(block.data(), static_cast<size_t>(input.gcount()));
  }
  if (!input.eof())
    throw Error(ErrorKind::kInput, "read " + from.string(), "the file cannot be read",
                "check that you may read it");
  output.commit();
}

/// A name of one folder right below, no way out of it.
bool is_plain_name(const fs::path& path) {
  return path.has_filename() && path.filename() == path && path != "." && path != "..";
}

/// Everything of the folder but weights that the adapters change, and other versions of them, which would be
/// stale: the folders that model_index.json names, and texts beside it.
void copy_the_rest(const BaseFiles& base, const AtomicFolder& output, const CancelToken& cancel) {
  std::set<std::string> adapted;
  for (const BaseFile& file : base.files()) adapted.insert(file.component);
  for (const fs::directory_entry& entry : fs::directory_iterator(base.path()))
    if (entry.is_regular_file() && !is_weights(entry.path()))
      copy(entry.path(), output / entry.path().filename(), cancel);
  const json index = read_json_file(base.path() / "model_index.json");
  for (const auto& [component, unused] : index.items()) {
    if (!is_plain_name(component)) continue;  // anybody can write an index
    const fs::path folder = base.path() / component;
    if (!fs::is_directory(folder)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
      // Not fs::relative, which follows links: a hub's snapshot is a folder of links to files elsewhere.
      const fs::path target = output / entry.path().lexically_relative(base.path());
      if (!entry.is_regular_file() || (adapted.count(component) && is_weights(entry.path()))) continue;
      fs::create_directories(target.parent_path());
      copy(entry.path(), target, cancel);
    }
  }
  for (const BaseFile& file : base.files()) {
    fs::create_directories(output / file.component);
    for (const fs::directory_entry& entry : fs::directory_iterator(file.path.parent_path())) {
      // An index belongs to the shards that were taken if it names one of them.
      const std::string name = entry.path().filename().string();
      if (name.find(".safetensors.index") == std::string::npos || fs::exists(output / file.component / name))
        continue;
      const json shard_index = read_json_file(entry.path());
      const json shards = shard_index.is_object() ? shard_index.value("weight_map", json::object()) : json();
      for (const auto& [tensor, shard] : shards.items())
        if (shard == file.path.filename().string()) {
          copy(entry.path(), output / file.component / name, cancel);
          break;
        }
    }
  }
}

void write_folder(const BakeRequest& request, const BaseFiles& base, const Baker& baker, const json& recipe,
                  Stage& stage, const CancelToken& cancel) {
  AtomicFolder output(request.output);
  copy_the_rest(base, output, cancel);
  for (const BaseFile& file : base.files())
    baker.write(file, output / file.component / file.path.filename(),
                baked_metadata(file.tensors->metadata(), recipe), stage, cancel);
  output.commit();
}

}  // namespace

json run_bake(const BakeRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  check(request);
  const TargetNames names = base_targets(request.base);
  const BaseFiles base(request.base, names.unet, names.text_encoder_2);
  const BaseWeights weights = [&](const std::string& canonical) {
    return base.tensor(canonical + ".weight");
  };
  std::vector<Adapter> adapters;
  json report{{"output", request.output.string()}, {"base", request.base.string()}};
  for (const AdapterChoice& choice : request.adapters) {
    std::vector<std::string> warnings;
    adapters.push_back(read_adapter(choice.file, names, warnings, weights));
    adapters.back().source = choice.file;
    for (const std::string& warning : warnings)
      progress.warning(choice.file.filename().string() + ": " + warning);
    report["adapters"].push_back({{"file", choice.file.string()},
                                  {"scale", choice.strength},
                                  {"layers", adapters.back().layers.size()}});
  }
  std::vector<ScaledAdapter> scaled;
  for (size_t k = 0; k < adapters.size(); ++k) scaled.push_back({&adapters[k], request.adapters[k].strength});
  const Baker baker(base, scaled, request.dtype);

  int64_t tensors = 0;
  uint64_t largest = 0;
  for (const BaseFile& file : base.files())
    for (const auto& [name, info] : file.tensors->tensors())
      ++tensors, largest = std::max(largest, info.end - info.begin);
  {
    Stage stage(progress, "bake", tensors);
    const json recipe = recipe_of(request, adapters);
    if (base.is_folder())
      write_folder(request, base, baker, recipe, stage, cancel);
    else
      baker.write(base.files().front(), request.output,
                  baked_metadata(base.files().front().tensors->metadata(), recipe), stage, cancel);
    report["seconds"] = stage.seconds();
  }
  if (!base.is_folder() && fs::is_directory(companion_folder(request.base)))
    progress.note(fmt::format("to load it here, copy {} to {}: its configs and tokenizers",
                              companion_folder(request.base).string(),
                              companion_folder(request.output).string()));
  report["changed_tensors"] = baker.changed_tensors();
  report["tensors"] = tensors;
  report["size_bytes"] = size_on_disk(request.output);
  report["largest_tensor_bytes"] = largest;
  report["peak_memory_bytes"] = peak_memory_bytes();
  return report;
}

}  // namespace ziplora
