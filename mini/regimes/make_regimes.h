#pragma once
/// The use case behind `ziplora-mini regimes`: the regimes in which merges are compared, as a folder for
/// `ziplora evaluate`. It holds what each LoRA learns from, the LoRAs, the true drawing of every pair under every
/// prompt, manifest.json, and recipe.json, which says what they come from.
///
///     make_regimes({.output = "out/regimes", .half = Purpose::kDevelopment, .regimes = {"B"}}, progress, cancel);

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mini/regimes/regime_manifest.h"
#include "mini/world/catalogue.h"
#include "mini/world/world_place.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/base/shard.h"

namespace ziplora::mini {

struct RegimesRequest {
  WorldPlace world;
  std::filesystem::path base = "assets/mini";
  std::filesystem::path output;
  /// Recipes are tuned on kDevelopment; figures are reported on kReport.
  Purpose half = Purpose::kDevelopment;
  std::vector<std::string> regimes;                    ///< whose LoRAs are trained; empty: all
  int64_t subjects = -1;                               ///< of each regime, the first ones; −1: all
  nlohmann::json settings = nlohmann::json::object();  ///< train settings in place of every recipe's
  /// Trains a LoRA of both for each pair, too, and writes together.json beside the manifest.
  bool together = false;
  Shard shard;  ///< of the trainings
  ManifestScope scope;
};

struct RegimesResult {
  std::filesystem::path manifest;
  size_t trained = 0;             ///< LoRAs, by this run
  size_t loras = 0, planned = 0;  ///< in the folder; in the whole plan
  size_t pairs = 0;               ///< with both LoRAs
};
nlohmann::json to_json(const RegimesResult& result);

/// What an interrupted run, one of other regimes or of fewer subjects left in the folder is not made again. The
/// manifest names the LoRAs that are there and is written anew after each.
/// @throws Error(kInput, kInterrupted), and as claim_folder (claimed_folder.h) and find_regime
RegimesResult make_regimes(const RegimesRequest& request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora::mini
