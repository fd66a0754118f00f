#pragma once
/// What one LoRA file is and what is wrong with it: the body of `inspect`'s report. Pure: it takes what was
/// read and opens nothing.
///
///     const AdapterReport report = report_adapter(survey_adapter(path, names), names);
///     report.ranks;              // {{"8", 560}}: layers by rank
///     to_json(report)["ranks"];  // {"8": 560}

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ziplora/analyze/loader_support.h"
#include "ziplora/analyze/merge_recipe.h"
#include "ziplora/analyze/spectra.h"
#include "ziplora/lora/adapter_survey.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// Values of a property and how many layers have each, in the order of the values.
using LayerCounts = std::vector<std::pair<std::string, int64_t>>;

/// A group of the architecture's layers of which the adapter changes some.
struct LayerGroup {
  int64_t layers = 0;  ///< that the adapter changes
  int64_t of = 0;      ///< that the architecture has
  double norm = 0;     ///< ‖ΔW‖ of those whose ΔW is known without the base
};

struct KindGroup : LayerGroup {
  std::string component;
  TargetKind kind;
};

/// "down_blocks.1", "mid_block", …, or a text encoder: what tools for block weights weigh.
struct BlockGroup : LayerGroup {
  std::string block;
};

struct LargestLayer {
  std::string target;
  SpectrumSummary spectrum;
};

/// A defect of the survey, or one that makes no reader fail: "dead" (layers without effect) and
/// "uneven-alpha" (alphas that diffusers reads wrongly).
struct ReportedDefect {
  std::string kind, problem, hint;
  std::vector<std::string> keys;  ///< of the file; of dead layers their canonical targets
};

struct AdapterReport {
  std::string dialect;
  LayerCounts kinds, dtypes;
  int64_t tensors = 0, layers = 0;
  int64_t base_bound = 0;  ///< layers whose ΔW depends on the base; norms and spectra leave them out
  int64_t vectors = 0;     ///< biases and norms that are changed
  LayerCounts ranks;       ///< as in the file; "0": no factors
  std::map<std::string, LayerCounts> alphas;  ///< by component, as in the file; or "none"
  std::vector<KindGroup> coverage;            ///< without groups that the adapter leaves alone
  std::vector<BlockGroup> blocks;             ///< likewise
  double norm = 0;                            ///< of all layers' ΔW taken as one vector
  double stable_rank = 0;                     ///< the median of the layers
  std::optional<double> first_half_energy;    ///< absent where no layer's is known (spectra.h)
  std::vector<LargestLayer> largest;          ///< the layers with the greatest norms, greatest first
  std::vector<std::string> trigger_words;
  std::optional<MergeRecipe> recipe;
  StringMap metadata;
  std::vector<std::string> warnings;
  int64_t placeholders = 0;  ///< layers of zeros, written for loaders that need them
  std::vector<ReportedDefect> defects;
  std::vector<ProgramSupport> programs;
};

AdapterReport report_adapter(const AdapterSurvey& survey, const TargetNames& names);

/// One member per field, under the name of the field; "recipe" is absent if there is none.
nlohmann::ordered_json to_json(const AdapterReport& report);

}  // namespace ziplora
