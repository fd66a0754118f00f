#include "ziplora/lora/adapter_file.h"

#include <fmt/format.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/atomic_folder.h"
#include "ziplora/base/error.h"
#include "ziplora/lora/adapter_survey.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {

namespace {

/// @return whether the file means something without the defect's keys, and the caller wants it so
bool leave_out(const Defect& defect, const AdapterSurvey& survey, const UnusedKeys& unused) {
  return unused.leave_out && defect.can_be_left_out &&
         !(survey.origins.empty() && survey.adapter.vector_deltas.empty());
}

}  // namespace

Adapter read_adapter(const std::filesystem::path& path, const TargetNames& names,
                     std::vector<std::string>& warnings, const BaseWeights& base, const UnusedKeys& unused) {
  AdapterSurvey survey = survey_adapter(path, names);
  warnings.insert(warnings.end(), survey.warnings.begin(), survey.warnings.end());
  for (const Defect& defect : survey.defects) {
    if (!leave_out(defect, survey, unused))
      throw Error(defect.error, "read " + path.string(), defect.problem,
                  defect.hint + (defect.can_be_left_out ? unused.how_to_ask : ""));
    warnings.push_back(defect.problem + "; they are left out");
  }
  if (!survey.base_bound.empty() && !base)
    throw Error(
        ErrorKind::kIncompatible, "read " + path.string(),
        fmt::format("{}, and what they change depends on the base's weights", describe(survey.base_bound)),
        "give the base that the adapter is for");
  resolve_against_base(survey.base_bound, names, base, survey.adapter.layers);
  return std::move(survey.adapter);
}

void require_place_for(const Adapter& adapter, const std::string& format) {
  if (find_writable_dialect(format, "write adapter").takes_vectors || adapter.vector_deltas.empty()) return;
  throw Error(ErrorKind::kIncompatible, "write adapter",
              fmt::format("{}the adapter changes {} biases and norms (first: {}), "
                          "for which the format '{}' has no place",
                          adapter.source.empty() ? "" : adapter.source.filename().string() + ": ",
                          adapter.vector_deltas.size(), adapter.vector_deltas.begin()->first, format),
              "write it in the format kohya, which has one");
}

void require_writable(const std::filesystem::path& path, const std::string& format) {
  // A trial removes itself.
  if (format == kPeftDialect.name) {
    AtomicFolder trial(path);
    return;
  }
  AtomicFile trial(path);
}

void write_adapter(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
                   const WriteOptions& options) {
  require_place_for(adapter, options.format);
  find_writable_dialect(options.format, "write adapter").write(path, adapter, names, options.dtype);
}

}  // namespace ziplora
