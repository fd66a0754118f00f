#include "studio/evidence.h"

#include <fmt/format.h>

#include "studio/clock.h"
#include "studio/studio.h"
#include "studio/zip_archive.h"
#include "ziplora/base/read_file.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

json adapters_of(Studio& studio) {
  json adapters = json::array();
  for (const json& card : studio.library.cards())
    if (card.at("summary").is_object())
      adapters.push_back({{"name", card.at("name")},
                          {"sha256", card.at("summary").at("sha256")},
                          {"recipe", card.at("summary").at("recipe")}});
  return adapters;
}

/// Of the images that jobs made, and of each evaluation's.
json rankings_of(Studio& studio) {
  json ranking = studio.votes.ranking({});
  ranking["evaluations"] = json::array();
  for (const json& evaluation : studio.evaluations.list())
    ranking["evaluations"].push_back(
        {{"path", evaluation.at("path")}, {"ranking", studio.votes.ranking(evaluation.at("id"))}});
  return ranking;
}

}  // namespace

fs::path write_evidence(Studio& studio) {
  const fs::path file = studio.options.data / "evidence.zip";
  ZipArchive zip(file);
  json images = json::array();
  for (const json& image : studio.votes.images()) {
    const fs::path path = image.at("path").get<std::string>();
    const std::string name = fmt::format("images/{}.png", image.at("id").get<int64_t>());
    std::error_code ignored;
    const bool is_there = fs::exists(path, ignored);
    if (is_there) zip.add(name, read_file(path));
    images.push_back({{"id", image.at("id")},
                      {"file", is_there ? json(name) : json()},
                      {"contender", image.at("contender")},
                      {"prompt", image.at("prompt")},
                      {"seed", image.at("seed")}});
  }
  const json about = {{"program", "ziplora " + studio.program.flags().at("version").get<std::string>()},
                      {"torch", studio.program.flags().at("torch")},
                      {"written", utc_now()},
                      {"base", studio.options.base.empty() ? "the miniature" : studio.options.base}};
  zip.add("about.json", about.dump(2) + "\n");
  zip.add("adapters.json", adapters_of(studio).dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  zip.add("images.json", images.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  zip.add("ranking.json", rankings_of(studio).dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  zip.add("votes.csv", studio.votes.csv());
  zip.commit();
  return file;
}

}  // namespace ziplora::studio
