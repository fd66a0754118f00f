#pragma once
/// For tests: the committed lists with drawings of our own in place of the artists', which are npm packages. Every icon
/// is a disc of its own colour.
///
///     prepare_made_up_world(assets, cache);
///     const World world(assets, cache, 32);

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "mini/world/world.h"
#include "ziplora/base/rng.h"
#include "ziplora/io/json_file.h"

namespace ziplora::mini {

inline void write_packages(const Catalogue& catalogue, const std::filesystem::path& modules) {
  for (size_t package = 0; package < catalogue.packages.size(); ++package) {
    std::filesystem::path folder = modules / "@iconify-json" / catalogue.packages[package];
    std::filesystem::create_directories(folder);
    nlohmann::json icons = nlohmann::json::object();
    for (const Subject& subject : catalogue.subjects) {
      if (subject.icons[package].empty()) continue;
      uint64_t colour = derive_seed(package, subject.id) & 0xffffff;
      icons[subject.icons[package]] = {
          {"body", fmt::format(R"(<circle cx="8" cy="9" r="6" fill="#{:06x}"/>)", colour)}};
    }
    write_json_file(folder / "icons.json", {{"icons", icons}, {"width", 16}, {"height", 18}});
    write_json_file(folder / "info.json", {{"author", {{"name", "nobody"}}}, {"license", {{"spdx", "MIT"}}}});
  }
}

inline void prepare_made_up_world(const std::filesystem::path& assets, const std::filesystem::path& cache) {
  write_packages(Catalogue::read(assets), cache / "node_modules");
  NullProgress progress;
  const CancelToken never;
  World::prepare(assets, cache, progress, never);
}

}  // namespace ziplora::mini
