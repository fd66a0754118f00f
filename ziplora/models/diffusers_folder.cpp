#include "ziplora/models/diffusers_folder.h"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <memory>
#include <set>

#include "ziplora/base/error.h"
#include "ziplora/base/printable.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/safetensors.h"

namespace ziplora {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kDownloadHint =
    "download the folder again; every file that its index names must be there";

/// The file that holds each tensor. Copies of a source share it, so that the files stay mapped as long as any
/// copy lives.
using TensorFiles = std::map<std::string, std::shared_ptr<SafetensorsFile>>;

TensorSource source_of(TensorFiles files, const fs::path& path) {
  TensorSource source;
  source.description = path.string();
  for (const auto& [name, file] : files) source.names.push_back(name);
  const auto shared = std::make_shared<const TensorFiles>(std::move(files));
  source.tensor = [shared](const std::string& name) { return shared->at(name)->tensor(name); };
  source.release = [shared](const std::string& name) { shared->at(name)->release_pages(name); };
  return source;
}

TensorSource open_single(const fs::path& path) {
  const auto file = std::make_shared<SafetensorsFile>(path);
  TensorFiles files;
  for (const auto& [name, info] : file->tensors()) files[name] = file;
  return source_of(std::move(files), path);
}

/// Tensor name → file name of its shard.
std::map<std::string, std::string> read_shard_index(const fs::path& index_path) {
  const json index = read_json_object(index_path);
  const auto weight_map = index.find("weight_map");
  if (weight_map == index.end() || !weight_map->is_object())
    throw Error(ErrorKind::kInput, "load " + index_path.string(), "the field \"weight_map\" is missing",
                kDownloadHint);
  std::map<std::string, std::string> shards;
  for (const auto& [name, shard] : weight_map->items()) {
    // A file name, not a path: an index must not reach out of its folder.
    if (!shard.is_string() || fs::path(shard.get<std::string>()).filename() != shard.get<std::string>())
      throw Error(ErrorKind::kInput, "load " + index_path.string(),
                  fmt::format("the shard of {} is {}, a file name is expected", name, shard.dump()),
                  kDownloadHint);
    const std::string file_name = shard;
    if (!fs::exists(index_path.parent_path() / file_name))
      throw Error(ErrorKind::kInput, "load " + (index_path.parent_path() / file_name).string(),
                  fmt::format("the shard is missing; {} names it", index_path.filename().string()),
                  kDownloadHint);
    shards[name] = file_name;
  }
  return shards;
}

TensorSource open_shards(const fs::path& index_path) {
  std::map<std::string, std::shared_ptr<SafetensorsFile>> shards;
  TensorFiles files;
  for (const auto& [name, file_name] : read_shard_index(index_path)) {
    std::shared_ptr<SafetensorsFile>& file = shards[file_name];
    if (!file) file = std::make_shared<SafetensorsFile>(index_path.parent_path() / file_name);
    if (!file->contains(name))
      throw Error(ErrorKind::kInput, "load " + (index_path.parent_path() / file_name).string(),
                  fmt::format("the shard has no tensor {}, which {} says it has", name,
                              index_path.filename().string()),
                  kDownloadHint);
    files[name] = file;
  }
  // Without this, what a shard holds beyond its index would be dropped without a word.
  for (const auto& [file_name, file] : shards) {
    for (const auto& [name, info] : file->tensors()) files.emplace(name, file);
  }
  return source_of(std::move(files), index_path);
}

/// The name of a file of weights that Python's pickle wrote; empty if there is none.
std::string pickle_in(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    for (const char* extension : {".bin", ".pth", ".pt", ".ckpt"})
      if (entry.path().extension() == extension) return printable(entry.path().filename().string());
  return "";
}

}  // namespace

json read_json_object(const fs::path& path) {
  if (!fs::exists(path))
    throw Error(
        ErrorKind::kInput, "load " + path.string(), "the file is missing",
        "check the path; a base is a diffusers folder (with model_index.json) or one .safetensors file");
  json value = read_json_file(path);
  if (value.is_object()) return value;
  throw Error(ErrorKind::kInput, "load " + path.string(), "a JSON object is expected",
              "download the file again");
}

std::string with_text_model_level(const std::string& name) {
  const bool there = name.starts_with("text_model.") || name.starts_with("text_projection.");
  return there ? name : "text_model." + name;
}

fs::path find_component_weights(const fs::path& component, const std::string& stem, at::ScalarType dtype) {
  const std::vector<std::string> plain{stem + ".safetensors", stem + ".safetensors.index.json"};
  const std::vector<std::string> half{stem + ".fp16.safetensors", stem + ".safetensors.index.fp16.json",
                                      stem + ".fp16.safetensors.index.json"};
  std::vector<std::string> candidates = plain;
  candidates.insert(dtype == at::kHalf ? candidates.begin() : candidates.end(), half.begin(), half.end());
  for (const std::string& candidate : candidates) {
    if (fs::exists(component / candidate)) return component / candidate;
  }
  const std::string pickle = pickle_in(component);
  throw Error(
      ErrorKind::kInput, "load " + (component / plain.front()).string(),
      pickle.empty()
          ? "the weights are missing: neither this file nor its .fp16 variant nor an index of shards is there"
          : fmt::format("the weights are missing; there is only {}, which can run code when it is read",
                        pickle),
      pickle.empty()
          ? "download the folder again"
          : "convert it to safetensors in Python: save_pretrained of diffusers or transformers, or "
            "save_file of safetensors.torch");
}

std::vector<fs::path> weight_files(const fs::path& file_or_index) {
  if (file_or_index.extension() != ".json") return {file_or_index};
  std::set<std::string> names;
  for (const auto& [tensor, shard] : read_shard_index(file_or_index)) names.insert(shard);
  std::vector<fs::path> files;
  for (const std::string& name : names) files.push_back(file_or_index.parent_path() / name);
  return files;
}

TensorSource open_component_weights(const fs::path& component, const std::string& stem,
                                    at::ScalarType dtype) {
  const fs::path path = find_component_weights(component, stem, dtype);
  return path.extension() == ".json" ? open_shards(path) : open_single(path);
}

}  // namespace ziplora
