#pragma once
/// The use case behind `ziplora world`: renders the emoji world, and draws any scene of it, held-out subjects
/// and styles too: the user's side of the demo, and the true drawings that results are compared with.
///
///     run_draw_scene({.subject = "baby-chick", .style = "neon", .output = "chick.png"}, progress, cancel);

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "mini/pretrain/pretrain.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora::mini {

struct DrawSceneRequest {
  WorldPlace world;
  std::string subject, style;  ///< ids of mini/assets; empty subject: only prepare the drawings
  std::string background = "white";
  std::optional<std::string> second_subject;  ///< beside the first
  std::optional<uint64_t> seed;               ///< of place, size and shades; absent: large, centred, on white
  int size = 64;                              ///< pixels of a side
  std::filesystem::path output;
};

/// @return `caption`, `output`, `subjects`, `styles`
/// @throws Error(kUsage) for unknown ids ("did you mean"), Error(kInput) if no artist drew it so
nlohmann::json run_draw_scene(const DrawSceneRequest& request, ProgressSink& progress,
                              const CancelToken& cancel);

}  // namespace ziplora::mini
