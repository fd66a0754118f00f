#pragma once
/// The use case behind `ziplora evaluate`: every pair of a manifest by every contender, drawn, scored and tabulated.
///
///     EvaluateRequest request{.manifest = "pairs/manifest.json", .judges = {"dino-vits16"}, .output = "out/pairs"};
///     const EvaluateResult result = run_evaluate(request, progress, cancel);
///     result.tables.front().rows;
///
/// Merged files and images lie in the output folder under the digests of all that they depend on. What is there is not made
/// again, so an interrupted comparison goes on with the same command, and one more method costs only its own.
/// The folder gets evaluation.json, images.csv (a line for each image and judge) and report.html.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/base/shard.h"
#include "ziplora/evaluate/evaluation.h"
#include "ziplora/evaluate/protocols.h"
#include "ziplora/models/sdxl.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora {

struct EvaluateRequest {
  std::filesystem::path manifest = {};
  /// A JSON list of contenders, in place of the manifest's own.
  std::optional<std::filesystem::path> methods = {};
  /// A row of protocols(): its seeds where the manifest has none; the result says what differs from it.
  std::optional<std::string> protocol = {};
  /// Only these contenders of the list, by name; a name that is none, but one of a method or strategy, adds that.
  std::vector<std::string> only = {};
  /// As Judge takes them; empty: for the miniature, its own and `pixels`.
  std::vector<std::string> judges = {};
  /// Only the pairs of these groups; empty: all.
  std::vector<std::string> groups = {};
  std::optional<std::filesystem::path> base = {};
  DevicePolicy policy = {};
  SamplingOptions sampling = {};
  /// Of merges, and of the resampling behind the intervals.
  uint64_t seed = 0;
  /// A part makes images alone, no tables.
  Shard shard = {};
  /// Makes nothing: the tables are of the pairs whose images are all there.
  bool gather = false;
  /// Output folders of other machines whose merges and images are taken in first.
  std::vector<std::filesystem::path> from = {};
  std::filesystem::path output = {};
};

/// What a contender lacks of a pair.
struct MissingWork {
  size_t pair, contender;
  bool merge;  ///< its merge, too
  size_t images;
};

/// The paper whose protocol a comparison follows, and where it does not.
struct FollowedProtocol {
  const Protocol* protocol;
  std::vector<std::string> differences;
};

struct EvaluateResult {
  Evaluation evaluation;
  std::vector<Table> tables;              ///< empty for a shard, or where gathering finds no complete pair
  size_t merged = 0, drawn = 0;           ///< merges and images that this run made
  std::vector<MissingWork> missing = {};  ///< that gathering did not find
  size_t asked = 0;                       ///< images, of all pairs of a gathering
  std::optional<FollowedProtocol> protocol = {};
  std::vector<std::filesystem::path> files;
  double seconds = 0;
};
nlohmann::json to_json(const EvaluateResult& result);

/// @throws Error(kUsage, kInput, kIncompatible, kNonFinite, kInterrupted): for settings before any work
EvaluateResult run_evaluate(const EvaluateRequest& request, ProgressSink& progress,
                            const CancelToken& cancel);

}  // namespace ziplora
