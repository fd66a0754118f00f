#include "studio/library.h"

#include <set>

#include "studio/adapter_card.h"
#include "studio/clock.h"
#include "studio/file_name.h"
#include "studio/random_text.h"
#include "studio/refusal.h"

namespace ziplora::studio {
namespace fs = std::filesystem;

Library::Library(Database& database, EventHub& events, Inspector& inspector, fs::path folder)
    : database_(database), events_(events), inspector_(inspector), folder_(std::move(folder)) {
  fs::create_directories(folder_);
  remove_leftovers();
}

/// Uploads that a killed server had not answered.
void Library::remove_leftovers() {
  std::set<std::string> known;
  for (const nlohmann::json& row : database_.rows("SELECT path FROM adapters WHERE origin = 'uploaded'", {}))
    known.insert(fs::path(row.at("path").get<std::string>()).parent_path().string());
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
    std::error_code ignored;
    if (!known.contains(entry.path().string())) fs::remove_all(entry.path(), ignored);
  }
}

nlohmann::json Library::row(int64_t id) {
  if (auto found = database_.row("SELECT * FROM adapters WHERE id = ?", {id})) return std::move(*found);
  throw no_such("adapter", std::to_string(id));
}

nlohmann::json Library::cards() {
  nlohmann::json cards = nlohmann::json::array();
  for (const nlohmann::json& row : database_.rows("SELECT * FROM adapters ORDER BY id DESC", {}))
    cards.push_back(adapter_card(row));
  return cards;
}

nlohmann::json Library::card(int64_t id) { return adapter_card(row(id)); }

nlohmann::json Library::inspected(int64_t id) {
  const nlohmann::json found = row(id);
  nlohmann::json inspected = json_column(found, "inspected");
  return inspected.is_null()
             ? nlohmann::json{{"file", found.at("path")}, {"error", json_column(found, "error")}}
             : inspected;
}

nlohmann::json Library::wait_inspected(int64_t id) {
  inspector_.wait_for(id, std::chrono::seconds(60));
  return inspected(id);
}

fs::path Library::file(int64_t id) {
  const nlohmann::json found = row(id);
  const fs::path path = found.at("path").get<std::string>();
  std::error_code ignored;
  const bool is_there = fs::is_regular_file(path, ignored);
  if (!is_there || (!found.at("folder").is_null() &&
                    !is_inside(folder_row(found.at("folder")).at("path").get<std::string>(), path)))
    throw Refusal(410, "gone", path.string(), "the file is no longer there",
                  "put it back, or delete its card and add it anew");
  return path;
}

fs::path Library::preview(int64_t id) {
  const nlohmann::json found = row(id);
  if (!found.at("folder").is_null()) {
    const std::string folder = folder_row(found.at("folder")).at("path");
    if (const std::string image = preview_beside(found.at("path"), folder); !image.empty()) return image;
  }
  throw no_such("preview of adapter", std::to_string(id));
}

fs::path Library::new_place() {
  const fs::path place = folder_ / random_text(8);
  fs::create_directories(place);
  return place;
}

int64_t Library::add(const fs::path& file, const std::string& origin, const std::optional<int64_t>& job) {
  const int64_t id = database_.run(
      "INSERT INTO adapters(name, path, bytes, origin, job, state, created) VALUES (?, ?, ?, ?, ?, 'inspecting', ?)",
      {file.stem().string(), file.string(), fs::file_size(file), origin,
       job ? nlohmann::json(*job) : nlohmann::json(), utc_now()});
  events_.publish({{"adapter", id}, {"event", {{"event", "changed"}}}});
  inspector_.queue(id);
  return id;
}

void Library::remove(int64_t id) {
  const nlohmann::json found = row(id);
  database_.run("DELETE FROM adapters WHERE id = ?", {id});
  std::error_code ignored;  // what cannot be removed now goes with the next start
  if (found.at("folder").is_null()) {
    const fs::path path = found.at("path").get<std::string>();
    fs::remove(path, ignored);
    if (found.at("origin") == "uploaded") fs::remove(path.parent_path(), ignored);
  }
  events_.publish({{"adapter", id}, {"event", {{"event", "removed"}}}});
}

std::optional<int64_t> Library::find(const std::string& path) {
  if (const auto found = database_.row("SELECT id FROM adapters WHERE path = ?", {path}))
    return found->at("id").get<int64_t>();
  return std::nullopt;
}

std::optional<int64_t> Library::find_by_name(const std::string& name) {
  const auto found = database_.row(
      "SELECT id FROM adapters WHERE name = ? AND state = 'ready' ORDER BY id DESC LIMIT 1", {name});
  if (found) return found->at("id").get<int64_t>();
  return std::nullopt;
}

}  // namespace ziplora::studio
