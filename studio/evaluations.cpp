#include "studio/evaluations.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "studio/clock.h"
#include "studio/csv_rows.h"
#include "studio/file_name.h"
#include "studio/gallery.h"
#include "studio/refusal.h"
#include "ziplora/base/parse_number.h"
#include "ziplora/base/read_file.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kTable = "images.csv";
constexpr uint64_t kLargestTable = uint64_t{64} << 20;
constexpr const char* kColumns[] = {"contender", "subject", "style", "prompt", "seed", "file"};
constexpr const char* kNoMerges[] = {"base alone", "subject alone", "style alone"};

/// The rows that are of merges, one for each image: the table has one for each image and judge.
std::vector<std::map<std::string, std::string>> merged_images(const fs::path& table) {
  std::vector<std::map<std::string, std::string>> found;
  std::set<std::string> seen;
  for (auto& row : csv_rows(read_file(table))) {
    if (!std::ranges::all_of(kColumns, [&](const char* column) { return row.contains(column); })) break;
    if (std::ranges::find(kNoMerges, row.at("contender")) != std::end(kNoMerges)) continue;
    if (!parse_number<int64_t>(row.at("seed")) || !seen.insert(row.at("file")).second) continue;
    found.push_back(std::move(row));
  }
  return found;
}

}  // namespace

json Evaluations::row(int64_t id) {
  auto found = database_.row(
      "SELECT e.*, (SELECT count(*) FROM images WHERE evaluation = e.id) AS images FROM evaluations e WHERE id = ?",
      {id});
  if (!found) throw no_such("evaluation", std::to_string(id));
  (*found)["name"] = found->at("job").is_null()
                         ? fs::path(found->at("path").get<std::string>()).filename().string()
                         : fmt::format("job {}", found->at("job").get<int64_t>());
  return std::move(*found);
}

json Evaluations::list() {
  json all = json::array();
  for (const json& found : database_.rows("SELECT id FROM evaluations ORDER BY id DESC", {}))
    all.push_back(row(found.at("id")));
  return all;
}

json Evaluations::add(const std::string& given, const std::optional<int64_t>& job) {
  std::error_code failed;
  const fs::path folder = given.starts_with('/') ? fs::canonical(given, failed) : fs::path();
  if (failed || folder.empty() || !fs::is_regular_file(folder / kTable, failed) ||
      !is_inside(folder, folder / kTable))
    throw Refusal(400, "usage", "folder " + given,
                  "there is no evaluation's folder: it would hold images.csv",
                  "give the whole path that 'ziplora evaluate -o' wrote to");
  if (fs::file_size(folder / kTable) > kLargestTable)
    throw Refusal(422, "input", "folder " + given, "its images.csv is too large",
                  "choose a folder of fewer images");
  int64_t id = 0;
  database_.transaction([&] { id = take_in(folder, job); });
  events_.publish({{"evaluation", id}, {"event", {{"event", "changed"}}}});
  return row(id);
}

int64_t Evaluations::take_in(const fs::path& folder, const std::optional<int64_t>& job) {
  database_.run("INSERT OR IGNORE INTO evaluations(path, job, created) VALUES (?, ?, ?)",
                {folder.string(), job ? json(*job) : json(), utc_now()});
  const int64_t id = database_.row("SELECT id FROM evaluations WHERE path = ?", {folder.string()})->at("id");
  for (const auto& image : merged_images(folder / kTable)) {
    const fs::path file = folder / image.at("file");
    std::error_code ignored;
    if (!is_inside(folder, file) || !fs::is_regular_file(file, ignored)) continue;
    const json size = png_size(file);
    if (size.at(0).is_null()) continue;
    database_.run(
        "INSERT OR IGNORE INTO images(name, path, bytes, width, height, type, origin, job, prompt, seed, contender, "
        "evaluation, pair, created) VALUES (?, ?, ?, ?, ?, 'image/png', 'evaluation', ?, ?, ?, ?, ?, ?, ?)",
        {file.filename().string(), file.string(), fs::file_size(file), size.at(0), size.at(1),
         job ? json(*job) : json(), image.at("prompt"), *parse_number<int64_t>(image.at("seed")),
         image.at("contender"), id, image.at("subject") + " × " + image.at("style"), utc_now()});
  }
  if (row(id).at("images") == 0)
    throw Refusal(422, "input", folder.string(), "its images.csv names no image of a merge that is there",
                  "is the evaluation complete? 'ziplora evaluate' goes on with the same command");
  return id;
}

void Evaluations::remove(int64_t id) {
  row(id);
  database_.run("DELETE FROM evaluations WHERE id = ?", {id});  // and its images
  events_.publish({{"evaluation", id}, {"event", {{"event", "removed"}}}});
}

}  // namespace ziplora::studio
