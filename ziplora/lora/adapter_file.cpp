#include "ziplora/lora/adapter_file.h"

#include "ziplora/base/error.h"
#include "ziplora/lora/adapter_survey.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {

Adapter read_adapter(const std::filesystem::path& path, const TargetNames& names,
                     std::vector<std::string>& warnings) {
  AdapterSurvey survey = survey_adapter(path, names);
  warnings.insert(warnings.end(), survey.warnings.begin(), survey.warnings.end());
  if (!survey.defects.empty()) {
    const Defect& first = survey.defects.front();
    throw Error(first.error, "read " + path.string(), first.problem, first.hint);
  }
  return std::move(survey.adapter);
}

void write_adapter(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
                   const WriteOptions& options) {
  find_writable_dialect(options.format).write(path, adapter, names, options.dtype);
}

}  // namespace ziplora
