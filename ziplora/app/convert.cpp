#include "ziplora/app/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ziplora/app/architecture.h"
#include "ziplora/app/ignore_unused.h"
#include "ziplora/app/output_guard.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/size_on_disk.h"
#include "ziplora/lora/adapter_digest.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/fitting_write.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Job {
  fs::path input, output;
};

bool names_a_folder(const fs::path& path) {
  std::error_code ignored;  // a name that is too long is no folder's; the writer says what is wrong with it
  return fs::is_directory(path, ignored) || !path.has_filename();
}

/// "cat.safetensors", and "cat" of the folder cat/.
fs::path name_of(const fs::path& input) {
  return (input.has_filename() ? input : input.parent_path()).filename();
}

/// "cat" of both.
std::string stem_of(const fs::path& input) {
  const fs::path name = name_of(input);
  return (name.extension() == ".safetensors" ? name.stem() : name).string();
}

/// One output a file, in a folder.
std::vector<Job> jobs_into_folder(const ConvertRequest& request, const std::string& where,
                                  const std::string& extension) {
  if (fs::exists(request.output) && !fs::is_directory(request.output))
    throw Error(ErrorKind::kUsage, where, "several files are to be converted, and this is a file",
                "name a folder");
  std::vector<Job> jobs;
  std::map<fs::path, fs::path> input_of;
  for (const fs::path& input : request.inputs) {
    const fs::path output = request.output / (stem_of(input) + extension);
    if (const auto [other, fresh] = input_of.emplace(output, input); !fresh)
      throw Error(ErrorKind::kUsage, where,
                  fmt::format("{} and {} would both become {}", other->second.string(), input.string(),
                              output.string()),
                  "convert them one by one");
    jobs.push_back({input, output});
  }
  return jobs;
}

std::vector<Job> jobs_of(const ConvertRequest& request) {
  const std::string where = "convert: -o " + request.output.string();
  if (request.inputs.empty())
    throw Error(ErrorKind::kUsage, "convert", "there is no file to convert",
                "ziplora convert cat.safetensors --format diffusers -o cat-diffusers.safetensors");
  const bool writes_folders = request.format == "peft";
  const bool single = request.inputs.size() == 1 && (writes_folders || !names_a_folder(request.output));
  const std::vector<Job> jobs = single
                                    ? std::vector<Job>{{request.inputs.front(), request.output}}
                                    : jobs_into_folder(request, where, writes_folders ? "" : ".safetensors");
  for (const Job& job : jobs)
    refuse_output_among("convert: -o " + job.output.string(), job.output, request.inputs);
  return jobs;
}

/// float16 or bfloat16 if all factors are, else float32.
at::ScalarType common_dtype(const Adapter& adapter) {
  std::optional<at::ScalarType> common;
  for (const auto& [target, layer] : adapter.layers)
    for (const at::Tensor& factor : {layer.down, layer.up}) {
      if (common && *common != factor.scalar_type()) return at::kFloat;
      common = factor.scalar_type();
    }
  return common == at::kHalf || common == at::kBFloat16 ? *common : at::kFloat;
}

Approximation lower_ranks(Adapter& adapter, const RankRule& rule, ProgressSink& progress,
                          const CancelToken& cancel) {
  Stage stage(progress, "compress", static_cast<int64_t>(adapter.layers.size()));
  Approximation lost;
  for (auto& [target, layer] : adapter.layers) {
    cancel.throw_if_cancelled("convert");
    CompressedLayer compressed = compress_layer(layer, rule);
    lost.add(target, compressed, layer.rank());
    layer = std::move(compressed.layer);
    stage.step();
  }
  adapter.metadata.erase("ziplora.split");  // ranks no longer belong to one input each
  adapter.metadata["ziplora.compression"] =
      json_line({{"relative_error", lost.relative_error()}, {"rule", to_json(rule)}});
  return lost;
}

ConvertedFile convert_one(const Job& job, const ConvertRequest& request, ProgressSink& progress,
                          const CancelToken& cancel) {
  const Architecture architecture = architecture_of({job.input}, request.base);
  const TargetNames& names = *architecture.names;
  std::vector<std::string> warnings;
  AdapterDigests digest({job.input});
  Adapter adapter =
      read_adapter(job.input, names, warnings, architecture.weights(), ignore_unused(request.ignore_unused));
  digest.start();
  for (const std::string& warning : warnings) progress.warning(name_of(job.input).string() + ": " + warning);
  ConvertedFile file{.input = job.input,
                     .output = job.output,
                     .dialect = adapter.dialect,
                     .format = request.format,
                     .dtype = request.dtype.value_or(common_dtype(adapter)),
                     .layers = adapter.layers.size(),
                     .vectors = adapter.vector_deltas.size(),
                     .approximation = {}};
  if (request.rank_rule) file.approximation = lower_ranks(adapter, *request.rank_rule, progress, cancel);
  // After several conversions the first source stays: the later ones were made from it.
  adapter.metadata.emplace(
      "ziplora.source", json_line({{"file", name_of(job.input).string()}, {"sha256", digest.get().front()}}));
  for (const auto& [target, layer] : adapter.layers) file.rank = std::max(file.rank, layer.rank());
  cancel.throw_if_cancelled("convert");
  file.dtype = write_in_fitting_dtype(job.output, adapter, names,
                                      {.format = file.format, .dtype = file.dtype}, progress);
  file.size_bytes = size_on_disk(job.output);
  return file;
}

}  // namespace

json ConvertedFile::to_json() const {
  json report{
      {"input", input.string()},    {"output", output.string()}, {"dialect", dialect}, {"format", format},
      {"dtype", dtype_name(dtype)}, {"layers", layers},          {"vectors", vectors}, {"rank", rank},
      {"size_bytes", size_bytes}};
  if (approximation) {
    report["relative_error"] = approximation->relative_error();
    if (!approximation->per_layer().empty())
      report["per_layer"] = ziplora::to_json(approximation->per_layer());
  }
  return report;
}

json ConvertResult::to_json() const {
  json report{{"files", json::array()}};
  for (const ConvertedFile& file : files) report["files"].push_back(file.to_json());
  return report;
}

ConvertResult run_convert(const ConvertRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  find_writable_dialect(request.format, "--format");
  if (request.rank_rule) request.rank_rule->check("convert");
  const std::vector<Job> jobs = jobs_of(request);
  if (jobs.size() > 1) {
    std::error_code failure;
    fs::create_directories(request.output, failure);
    if (failure)
      throw Error(ErrorKind::kFailed, "convert: -o " + request.output.string(), failure.message(),
                  "choose a folder you can write to");
  }
  for (const Job& job : jobs) require_writable(job.output, request.format);
  ConvertResult result;
  std::optional<Stage> stage;
  if (jobs.size() > 1) stage.emplace(progress, "convert", static_cast<int64_t>(jobs.size()));
  for (const Job& job : jobs) {
    result.files.push_back(convert_one(job, request, progress, cancel));
    if (stage) stage->step();
  }
  return result;
}

}  // namespace ziplora
