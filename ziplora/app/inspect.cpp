#include "ziplora/app/inspect.h"

#include <algorithm>
#include <memory>

#include "ziplora/analyze/adapter_report.h"
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
/// so a few fitting layers make no SDXL LoRA.
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

/// As model sites call and cut them: of the file, and of its data section, which metadata edits leave alone
/// (ostris/ai-toolkit#130; the latter is A1111's addnet hash: kohya-ss/sd-scripts library/train_util.py).
void add_hashes(json& report, const fs::path& file, const StringMap& metadata) {
  const std::string whole = sha256_of_file(file), tensors = sha256_of_tensors(SafetensorsFile(file));
  report["hashes"] = {{"sha256", whole}, {"autov2", whole.substr(0, 10)}, {"autov3", tensors.substr(0, 12)}};
  const auto said = metadata.find("sshs_model_hash");
  if (said != metadata.end() && said->second != tensors)
    report["warnings"].push_back(
        "sshs_model_hash in the metadata is another file's: A1111 and Forge would name "
        "that file in images");
}

json inspect_file(const fs::path& file, const std::vector<Architecture>& candidates) {
  const Architecture& architecture = best_match(file, candidates);
  const AdapterSurvey survey = survey_adapter(file, *architecture.names);
  refuse_what_is_not_for_sdxl(survey);
  json report;
  report["file"] = file.string();
  uintmax_t size_bytes = 0;
  for (const fs::path& piece : survey.files) size_bytes += fs::file_size(piece);
  report["size_bytes"] = size_bytes;
  report["architecture"] = architecture.name;
  report.update(report_adapter(survey, *architecture.names));
  if (survey.files.size() == 1) add_hashes(report, survey.files.front(), survey.adapter.metadata);
  return report;
}

}  // namespace

InspectResult run_inspect(const InspectRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  if (request.files.empty())
    throw Error(ErrorKind::kUsage, "inspect", "there is no file to look at",
                "ziplora inspect cat.safetensors");
  const std::vector<Architecture> candidates =
      request.base ? std::vector{architecture_of_base(resolve_base(request.base))} : known_architectures();
  InspectResult result;
  result.report["files"] = json::array();
  size_t defects = 0;
  // One file takes a moment, a folder of them takes minutes.
  std::optional<Stage> stage;
  if (request.files.size() > 1)
    stage.emplace(progress, "inspect", static_cast<int64_t>(request.files.size()));
  for (const fs::path& file : request.files) {
    cancel.throw_if_cancelled("inspect");
    try {
      result.report["files"].push_back(inspect_file(file, candidates));
      defects += result.report["files"].back()["defects"].size();
    } catch (const Error& error) {
      if (!result.first_error) result.first_error = error;
      result.report["files"].push_back({{"file", file.string()},
                                        {"error",
                                         {{"exit_code", static_cast<int>(error.kind())},
                                          {"where", error.where()},
                                          {"problem", error.problem()},
                                          {"hint", error.hint()}}}});
    }
    if (stage) stage->step();
  }
  result.report["defects"] = defects;
  return result;
}

}  // namespace ziplora
