#pragma once
/// The two flags that say where the emoji world is; every verb of ziplora-mini has them.

#include <CLI/App.hpp>

#include "mini/world/world_place.h"

namespace ziplora::mini::cli {

inline void add_world_flags(CLI::App& app, WorldPlace& place) {
  app.add_option("--world", place.assets, "Read the catalogue of subjects, styles and backgrounds here");
  app.add_option("--cache", place.cache, "Keep the drawings here: packages and their rendered images");
}

}  // namespace ziplora::mini::cli
