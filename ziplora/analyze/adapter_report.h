#pragma once
/// What one LoRA file is, as JSON: the body of `inspect`'s report. Pure: takes what was read, opens nothing.
///
///     nlohmann::json report = report_adapter(survey_adapter(path, names), names);
///     report["ranks"];   // {"8": 560}: layers by rank
///
/// Fields: dialect, kinds, dtypes, tensors, layers, base_bound (of them: whose ΔW depends on the base, left
/// out of norms and spectra), vectors (biases and norms that are changed), ranks and alphas as in the file
/// (0: no factors; alphas by component), coverage (component, kind, layers, of, norm), blocks (block, layers,
/// of, norm), norm, stable_rank (the median of the layers), first_half_energy (null where no layer's is
/// known; see spectra.h), largest (the layers with the greatest norm), trigger_words, recipe, metadata,
/// warnings, placeholders (layers of zeros, written for loaders that need them), defects (kind, problem,
/// hint, keys), programs (program, verdict, reasons).

#include <nlohmann/json.hpp>

#include "ziplora/lora/adapter_survey.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// Defects are those of the survey, and what makes no reader fail: layers without effect ("dead"), and alphas
/// that diffusers reads wrongly ("uneven-alpha").
nlohmann::ordered_json report_adapter(const AdapterSurvey& survey, const TargetNames& names);

}  // namespace ziplora
