#pragma once
/// How much of each input's effect a merge keeps on what the base really shows its layers, under the inputs' own prompts
/// and the joint one: the part of `ziplora analyze` that runs the base.
///
///     const std::vector<ContextEffects> effects = analyze_effects(merged, origin, request, progress, cancel);
///     effects.back().adapters[0].whole.kept;   // under the joint prompt

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/app/merge_origin.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/models/sdxl.h"

namespace ziplora {

struct EffectsRequest {
  /// Of each file in the order of the request; empty: those that the merge or the files record.
  std::vector<std::string> prompts = {};
  /// Of subject and style together; empty: the merge's own, or made of the inputs'.
  std::vector<std::string> joint_prompts = {};
  /// Where contexts are kept, as MergeRequest's: `merge --method route` and this share one.
  std::optional<std::filesystem::path> contexts = {};
  DevicePolicy policy = {};
  uint64_t seed = 0;
};

/// Of one adapter on the inputs of a layer, or of several: then layers count by their size relative to the base's output.
struct Effect {
  double kept = 0;  ///< E⟨ΔW x, ΔW_k x⟩ / E‖ΔW_k x‖², ΔW: the merge's, ΔW_k: the file's at strength 1
  double size = 0;  ///< √(E‖ΔW_k x‖² / E‖W x‖²); of several layers: the root of the mean square
};

struct AdapterEffects {
  size_t file;  ///< index of the analyzed files
  Effect whole;
  std::map<std::string, Effect> by_layer;
};

struct ContextEffects {
  std::string name;  ///< "subject", "style", "joint" …
  std::vector<std::string> prompts;
  std::vector<AdapterEffects> adapters;  ///< in the order of the merge
};

/// In the linear layers of the UNet's attention, whose inputs `route` records, too.
/// @param base  the base's path
/// @throws Error(kUsage) if there is no joint prompt, an input without a prompt, or another number of them than of files; as record_moments and KeptMoments
std::vector<ContextEffects> analyze_effects(const Adapter& merged, MergeOrigin origin,
                                            const std::filesystem::path& base, const EffectsRequest& request,
                                            ProgressSink& progress, const CancelToken& cancel);

/// @param files  the names of the analyzed files
nlohmann::ordered_json to_json(const std::vector<ContextEffects>& effects,
                               const std::vector<std::string>& files);

}  // namespace ziplora
