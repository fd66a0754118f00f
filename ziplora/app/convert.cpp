#include "ziplora/app/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "ziplora/app/architecture.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"
#include "ziplora/lora/adapter_digest.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Job {
  fs::path input, output;
};

bool names_a_folder(const fs::path& path) { return fs::is_directory(path) || !path.has_filename(); }

/// "cat.safetensors", and "cat" of the folder cat/.
fs::path name_of(const fs::path& input) {
  return (input.has_filename() ? input : input.parent_path()).filename();
}

/// "cat" of both.
std::string stem_of(const fs::path& input) {
  const fs::path name = name_of(input);
  return (name.extension() == ".safetensors" ? name.stem() : name).string();
}

std::vector<Job> jobs_of(const ConvertRequest& request) {
  const std::string where = "convert: -o " + request.output.string();
  if (request.inputs.empty())
    throw Error(ErrorKind::kUsage, "convert", "there is no file to convert",
                "ziplora convert cat.safetensors --format diffusers -o cat-diffusers.safetensors");
  std::vector<Job> jobs;
  const bool writes_folders = request.format == "peft";
  if (request.inputs.size() == 1 && !(names_a_folder(request.output) && !writes_folders)) {
    jobs.push_back({request.inputs.front(), request.output});
  } else {
    if (fs::exists(request.output) && !fs::is_directory(request.output))
      throw Error(ErrorKind::kUsage, where, "several files are to be converted, and this is a file",
                  "name a folder");
    std::map<fs::path, fs::path> input_of;
    for (const fs::path& input : request.inputs) {
      const fs::path output = request.output / (stem_of(input) + (writes_folders ? "" : ".safetensors"));
      if (const auto [other, fresh] = input_of.emplace(output, input); !fresh)
        throw Error(ErrorKind::kUsage, where,
                    fmt::format("{} and {} would both become {}", other->second.string(), input.string(),
                                output.string()),
                    "convert them one by one");
      jobs.push_back({input, output});
    }
  }
  for (const Job& job : jobs) refuse_output_among(job.output, request.inputs);
  return jobs;
}

json convert_one(const Job& job, const ConvertRequest& request, ProgressSink& progress,
                 const CancelToken& cancel) {
  const Architecture architecture = architecture_of({job.input}, request.base);
  const TargetNames& names = *architecture.names;
  std::vector<std::string> warnings;
  AdapterDigests digest({job.input});
  Adapter adapter = read_adapter(job.input, names, warnings, architecture.weights());
  for (const std::string& warning : warnings) progress.warning(name_of(job.input).string() + ": " + warning);
  const at::ScalarType dtype = request.dtype.value_or(common_dtype(adapter));
  json report{{"input", job.input.string()},
              {"output", job.output.string()},
              {"family", adapter.family},
              {"format", request.format},
              {"dtype", dtype_name(dtype)},
              {"layers", adapter.layers.size()},
              {"vectors", adapter.vector_deltas.size()}};
  if (request.rank_rule) {
    Stage stage(progress, "compress", static_cast<int64_t>(adapter.layers.size()));
    double total = 0, dropped = 0;
    for (auto& [target, layer] : adapter.layers) {
      cancel.throw_if_cancelled("convert");
      const int64_t rank_before = layer.rank();
      CompressedLayer compressed = compress_layer(layer, *request.rank_rule);
      total += compressed.norm * compressed.norm;
      dropped += compressed.dropped_norm * compressed.dropped_norm;
      report["per_layer"].push_back(layer_report(target, compressed));
      report["per_layer"].back()["rank_before"] = rank_before;
      layer = std::move(compressed.layer);
      stage.step();
    }
    report["relative_error"] = total > 0 ? std::sqrt(dropped / total) : 0.0;
    adapter.metadata.erase("ziplora.split");  // ranks no longer belong to one input each
    adapter.metadata["ziplora.compression"] =
        json_line({{"relative_error", report["relative_error"]}, {"rule", json_of(*request.rank_rule)}});
  }
  // Of several conversions the first source stays: the others were made from it.
  adapter.metadata.emplace(
      "ziplora.source", json_line({{"file", name_of(job.input).string()}, {"sha256", digest.get().front()}}));
  int64_t largest_rank = 0;
  for (const auto& [target, layer] : adapter.layers) largest_rank = std::max(largest_rank, layer.rank());
  report["rank"] = largest_rank;
  cancel.throw_if_cancelled("convert");
  write_adapter(job.output, adapter, names, {.format = request.format, .dtype = dtype});
  report["size_bytes"] = size_on_disk(job.output);
  return report;
}

}  // namespace

json json_of(const RankRule& rule) {
  json result{{"energy", rule.energy}};
  if (rule.most < RankRule{}.most) result["rank"] = rule.most;
  return result;
}

json layer_report(const std::string& target, const CompressedLayer& compressed) {
  return {{"layer", target},
          {"rank", compressed.layer.rank()},
          {"norm", compressed.norm},
          {"relative_error", compressed.relative_error()}};
}

at::ScalarType common_dtype(const Adapter& adapter) {
  std::optional<at::ScalarType> common;
  for (const auto& [target, layer] : adapter.layers)
    for (const at::Tensor& factor : {layer.down, layer.up}) {
      if (common && *common != factor.scalar_type()) return at::kFloat;
      common = factor.scalar_type();
    }
  return common == at::kHalf || common == at::kBFloat16 ? *common : at::kFloat;
}

uintmax_t size_on_disk(const fs::path& file_or_folder) {
  if (!fs::is_directory(file_or_folder)) return fs::file_size(file_or_folder);
  uintmax_t size_bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(file_or_folder))
    if (entry.is_regular_file()) size_bytes += entry.file_size();
  return size_bytes;
}

/// Folders are inputs too: a file written into one replaces a part of it.
bool lies_in(const fs::path& path, const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return false;
  const fs::path inside = fs::weakly_canonical(path, ignored),
                 outside = fs::weakly_canonical(folder, ignored);
  return std::mismatch(outside.begin(), outside.end(), inside.begin(), inside.end()).first == outside.end();
}

void refuse_output_among(const fs::path& output, const std::vector<fs::path>& inputs) {
  std::error_code ignored;  // of files that do not exist
  for (const fs::path& input : inputs)
    if (fs::equivalent(output, input, ignored) || lies_in(output, input))
      throw Error(ErrorKind::kUsage, "convert: -o " + output.string(),
                  "the output is one of the inputs, which would be lost", "choose another name");
}

json run_convert(const ConvertRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  find_writable_dialect(request.format);
  if (request.rank_rule) request.rank_rule->check();
  const std::vector<Job> jobs = jobs_of(request);
  if (jobs.size() > 1) {
    std::error_code failure;
    fs::create_directories(request.output, failure);
    if (failure)
      throw Error(ErrorKind::kFailed, "convert: -o " + request.output.string(), failure.message(),
                  "choose a folder you can write to");
  }
  json report{{"files", json::array()}};
  std::optional<Stage> stage;
  if (jobs.size() > 1) stage.emplace(progress, "convert", static_cast<int64_t>(jobs.size()));
  for (const Job& job : jobs) {
    report["files"].push_back(convert_one(job, request, progress, cancel));
    if (stage) stage->step();
  }
  return report;
}

}  // namespace ziplora
