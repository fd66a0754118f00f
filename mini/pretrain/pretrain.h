#pragma once
/// The use case behind `ziplora-mini pretrain`: trains the miniature from scratch, stage by stage, resumable.
///
///     run_pretrain({.options = {.run_folder = "runs/base"}, .output = "assets/mini"}, progress, cancel);
///
/// Renders the emoji world first if need be. mini/tools/world_packages.sh installs the drawings.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "mini/pretrain/mini_base.h"
#include "mini/world/world_place.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora::mini {

struct PretrainRequest {
  PretrainOptions options;
  WorldPlace world;
  /// The diffusers folder to export to; empty: the base stays in <run_folder>/base.
  std::filesystem::path output;
};

struct PretrainResult {
  std::filesystem::path run_folder, base;
  std::optional<std::filesystem::path> output;
};
nlohmann::json to_json(const PretrainResult& result);

/// @throws Error(kInput) if the drawings are not installed, Error(kInterrupted) with a checkpoint saved
PretrainResult run_pretrain(const PretrainRequest& request, ProgressSink& progress,
                            const CancelToken& cancel);

}  // namespace ziplora::mini
