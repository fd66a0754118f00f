#include "ziplora/app/inspect.h"

#include <algorithm>
#include <memory>

#include "ziplora/app/architecture.h"
#include "ziplora/app/default_base.h"
#include "ziplora/io/sha256.h"
#include "ziplora/lora/adapter_survey.h"
#include "ziplora/lora/foreign_files.h"

namespace ziplora {
namespace {

using json = nlohmann::ordered_json;
namespace fs = std::filesystem;

size_t misfits(const AdapterSurvey& survey) {
  size_t keys = 0;
  for (const Defect& defect : survey.defects)
    if (defect.kind == DefectKind::kUnknownLayer || defect.kind == DefectKind::kMisfit)
      keys += defect.keys.size();
  return keys;
}

/// A LoRA for another architecture shares some layers with SDXL by chance (SD 1.5 has 640-wide blocks too),
/// so a few layers that fit do not make it one for SDXL.
void refuse_what_is_not_for_sdxl(const AdapterSurvey& survey) {
  if (survey.defects.empty()) return;
  const size_t fitting = survey.origins.size() + survey.adapter.vector_deltas.size();
  const bool mostly_foreign = misfits(survey) > fitting;
  if (fitting > 0 && !mostly_foreign) return;
  const auto foreign = std::find_if(survey.defects.begin(), survey.defects.end(), [](const Defect& defect) {
    return defect.error == ErrorKind::kIncompatible;
  });
  const Defect& reason =
      mostly_foreign && foreign != survey.defects.end() ? *foreign : survey.defects.front();
  throw Error(reason.error, "inspect " + survey.adapter.source.string(), reason.problem, reason.hint);
}

/// AutoV3 is the hash that A1111's addnet computes (ostris/ai-toolkit#130, kohya-ss/sd-scripts
/// library/train_util.py).
void add_hashes(InspectedAdapter& adapter, const fs::path& file) {
  const std::string whole = sha256_of_file(file), tensors = sha256_of_tensors(SafetensorsFile(file));
  adapter.hashes = {.sha256 = whole, .autov2 = whole.substr(0, 10), .autov3 = tensors.substr(0, 12)};
  const auto said = adapter.report.metadata.find("sshs_model_hash");
  if (said != adapter.report.metadata.end() && said->second != tensors)
    adapter.report.warnings.emplace_back(
        "sshs_model_hash in the metadata is another file's: A1111 and Forge would name that file in images");
}

InspectedAdapter inspect_file(const fs::path& file, const std::vector<Architecture>& candidates) {
  const Architecture& architecture = best_match(file, candidates);
  const AdapterSurvey survey = survey_adapter(file, *architecture.names);
  refuse_what_is_not_for_sdxl(survey);
  InspectedAdapter adapter{
      .architecture = architecture.name, .hashes = {}, .report = report_adapter(survey, *architecture.names)};
  for (const fs::path& piece : survey.files) adapter.size_bytes += fs::file_size(piece);
  if (survey.files.size() == 1) add_hashes(adapter, survey.files.front());
  return adapter;
}

json json_of(const FileHashes& hashes) {
  return {{"sha256", hashes.sha256}, {"autov2", hashes.autov2}, {"autov3", hashes.autov3}};
}

json json_of(const Error& error) {
  return {{"exit_code", static_cast<int>(error.kind())},
          {"where", error.where()},
          {"problem", error.problem()},
          {"hint", error.hint()}};
}

json json_of(const InspectedFile& file) {
  json object{{"file", file.path.string()}};
  if (const InspectedAdapter* adapter = file.adapter()) {
    object["size_bytes"] = adapter->size_bytes;
    object["architecture"] = adapter->architecture;
    object.update(to_json(adapter->report));
    if (adapter->hashes) object["hashes"] = json_of(*adapter->hashes);
  } else {
    object["error"] = json_of(*file.error());
  }
  return object;
}

}  // namespace

size_t InspectResult::defects() const {
  size_t count = 0;
  for (const InspectedFile& file : files)
    if (const InspectedAdapter* adapter = file.adapter()) count += adapter->report.defects.size();
  return count;
}

const Error* InspectResult::first_error() const {
  const auto found = std::ranges::find_if(files, [](const InspectedFile& file) { return file.error(); });
  return found == files.end() ? nullptr : found->error();
}

InspectResult run_inspect(const InspectRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  if (request.files.empty())
    throw Error(ErrorKind::kUsage, "inspect", "there is no file to look at",
                "ziplora inspect cat.safetensors");
  const std::vector<Architecture> candidates =
      request.base ? std::vector{architecture_of_base(resolve_base(request.base))} : known_architectures();
  InspectResult result;
  // One file takes a moment, a folder of them takes minutes.
  std::optional<Stage> stage;
  if (request.files.size() > 1)
    stage.emplace(progress, "inspect", static_cast<int64_t>(request.files.size()));
  for (const fs::path& file : request.files) {
    cancel.throw_if_cancelled("inspect");
    try {
      result.files.push_back({file, inspect_file(file, candidates)});
    } catch (const Error& error) {
      result.files.push_back({file, error});
    }
    if (stage) stage->step();
  }
  return result;
}

json to_json(const InspectResult& result) {
  json files = json::array();
  for (const InspectedFile& file : result.files) files.push_back(json_of(file));
  return {{"files", std::move(files)}, {"defects", result.defects()}};
}

}  // namespace ziplora
