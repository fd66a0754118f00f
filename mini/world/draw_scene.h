#pragma once
/// The use case behind `ziplora-mini world`: renders the emoji world and draws any scene of it, with held-out
/// subjects and styles, too: the user's images of the demo, and the true drawings that results are compared
/// with.
///
///     run_draw_scene({.subject = "baby-chick", .style = "neon", .output = "chick.png"}, progress, cancel);

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "mini/world/world_place.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora::mini {

struct DrawSceneRequest {
  WorldPlace world;
  std::string subject, style;  ///< ids in mini/assets; empty subject: only prepare the drawings
  std::string background = "white";
  std::optional<std::string> second_subject;  ///< beside the first
  std::optional<uint64_t> seed;               ///< of place, size and shades; absent: large, centred, on white
  int size = 64;                              ///< pixels of a side
  std::filesystem::path output;
};

struct DrawSceneResult {
  size_t subjects = 0, styles = 0;  ///< in the catalogue
  std::string caption;              ///< of the scene; empty if none was asked for
  std::optional<std::filesystem::path> output;
};
nlohmann::json to_json(const DrawSceneResult& result);

/// @throws Error(kUsage) for unknown ids ("did you mean"), Error(kInput) if no artist drew it so
DrawSceneResult run_draw_scene(const DrawSceneRequest& request, ProgressSink& progress,
                               const CancelToken& cancel);

}  // namespace ziplora::mini
