#pragma once
/// The use case behind `ziplora analyze`: what ZipLoRA's section 4.1 measures of LoRAs, for any files: how sparse each
/// one is, and how each two of them lie to each other, layer by layer. Writes nothing but
/// the figures that it is asked for.
///
///     const AnalyzeResult result = run_analyze({.files = {"dog.safetensors", "ink.safetensors"}}, progress, cancel);
///     result.pairs[0].whole.columns.cosine;

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ziplora/analyze/column_alignment.h"
#include "ziplora/analyze/sparsity.h"
#include "ziplora/app/analyze_effects.h"
#include "ziplora/app/analyze_merge.h"
#include "ziplora/app/learning_course.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/target_names.h"
#include "ziplora/merge/layer_conflict.h"

namespace ziplora {

struct AnalyzeRequest {
  /// May be none where a course is given.
  std::vector<std::filesystem::path> files;
  /// What was made of all of them, which is to be looked at, too.
  std::optional<std::filesystem::path> merged = {};
  /// What the merge keeps of each file's effect on the base; absent: not measured.
  std::optional<EffectsRequest> effects = {};
  /// For effects, and for files whose effect depends on it; absent: resolve_base() for effects, else what the files' layers are
  /// compared with is found by their headers.
  std::optional<std::filesystem::path> base;
  bool ignore_unused = false;  ///< as MergeRequest's
  /// The report of a merge that learned, whose course is to be drawn.
  std::optional<std::filesystem::path> course = {};
  /// A folder for figures, one SVG each (analyze_figures.h); what else it holds stays. Absent: none.
  std::optional<std::filesystem::path> plots = {};
};

/// Of one file, all layers together: energies are added up, shares are taken in each layer.
struct AnalyzedFile {
  std::filesystem::path path;
  int64_t layers = 0;
  double norm = 0;  ///< ‖ΔW‖
  KeptEnergy kept;
  std::map<std::string, KeptEnergy> by_layer;  ///< by canonical target
};

/// Of two files in one layer, or in several: then the means weighted by ‖a‖ ‖b‖, and the cosine of the whole.
struct PairMeasures {
  ColumnAlignment columns;
  double cosine = 0;         ///< ⟨a, b⟩ / ‖a‖ ‖b‖
  double overlap = 0;        ///< of leading directions, as ConflictMeasures::overlap
  double sign_conflict = 0;  ///< as ConflictMeasures::excess
};

struct AnalyzedPair {
  size_t first, second;  ///< indices of files
  int64_t shared = 0;    ///< layers that both change
  PairMeasures whole;
  std::map<TargetKind, PairMeasures> by_kind;
  std::map<std::string, PairMeasures> by_layer;  ///< by canonical target
};

struct AnalyzeResult {
  std::vector<AnalyzedFile> files;  ///< in the order of the request
  std::vector<AnalyzedPair> pairs;  ///< of every two files
  std::vector<std::string> order;   ///< canonical targets of all files, in the network's order
  std::optional<AnalyzedMerge> merge;
  std::optional<LearningCourse> course;
  std::vector<ContextEffects> effects;  ///< of the merge
  std::vector<std::filesystem::path> plots;

  /// Without their folders.
  std::vector<std::string> file_names() const;
};

/// @throws Error(kUsage) without files and course, for effects without a merge, and for a course without plots; Error(kIncompatible) if the files are for different bases, or differ in a
///         layer's shape; Error(kInterrupted); as read_adapter and AtomicFolder
AnalyzeResult run_analyze(const AnalyzeRequest& request, ProgressSink& progress, const CancelToken& cancel);

/// "zeroed": the shares; "files" and "pairs", each with its layers; "merge" where one was given, and its "effects".
nlohmann::ordered_json to_json(const AnalyzeResult& result);

}  // namespace ziplora
