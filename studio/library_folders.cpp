// The folders of the library: named by the user, read and never written to.
#include <sys/stat.h>

#include <fmt/format.h>

#include <set>

#include "studio/clock.h"
#include "studio/file_name.h"
#include "studio/library.h"
#include "studio/refusal.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

constexpr int kDeepest = 8;
constexpr size_t kMostFiles = 20'000;

/// What changes when a file does: its size and its time.
std::string state_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return "";
  return fmt::format("{} {}.{:09}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/// Links are followed if they stay in the folder.
std::set<fs::path> lora_files(const fs::path& folder) {
  std::set<fs::path> files;
  std::error_code failed;
  fs::recursive_directory_iterator place(folder, fs::directory_options::skip_permission_denied, failed);
  for (; !failed && place != fs::recursive_directory_iterator() && files.size() < kMostFiles;
       place.increment(failed)) {
    if (place.depth() >= kDeepest) place.disable_recursion_pending();
    const fs::path& path = place->path();
    std::error_code ignored;
    if (extension_of(path) == ".safetensors" && fs::is_regular_file(path, ignored) && is_inside(folder, path))
      files.insert(path);
  }
  return files;
}

}  // namespace

nlohmann::json Library::folder_row(int64_t id) {
  if (auto found = database_.row("SELECT * FROM folders WHERE id = ?", {id})) {
    (*found)["error"] = json_column(*found, "error");
    return std::move(*found);
  }
  throw no_such("folder", std::to_string(id));
}

nlohmann::json Library::folders() {
  nlohmann::json all = nlohmann::json::array();
  for (const nlohmann::json& row : database_.rows("SELECT id FROM folders ORDER BY path", {}))
    all.push_back(folder_row(row.at("id")));
  return all;
}

nlohmann::json Library::add_folder(const std::string& given) {
  std::error_code failed;
  const fs::path path = given.starts_with('/') ? fs::canonical(given, failed) : fs::path();
  if (failed || path.empty() || !fs::is_directory(path, failed))
    throw Refusal(400, "usage", "folder " + given, "there is no such folder",
                  "give its whole path, which begins with /");
  if (is_inside(folder_.parent_path(), path))
    throw Refusal(400, "usage", "folder " + given, "this is the studio's own folder",
                  "its files are in the library already");
  database_.run("INSERT OR IGNORE INTO folders(path) VALUES (?)", {path.string()});
  return scan(database_.row("SELECT id FROM folders WHERE path = ?", {path.string()})->at("id"));
}

std::optional<int64_t> Library::add_or_update(const fs::path& file, int64_t folder) {
  const auto known = database_.row("SELECT id, modified FROM adapters WHERE path = ?", {file.string()});
  const std::string state = state_of(file);
  std::error_code ignored;
  const auto bytes = static_cast<int64_t>(fs::file_size(file, ignored));
  if (known && known->at("modified") == state) return std::nullopt;
  int64_t id = 0;
  if (known) {
    id = known->at("id");
    database_.run("UPDATE adapters SET bytes = ?, modified = ?, state = 'inspecting' WHERE id = ?",
                  {bytes, state, id});
  } else {
    id = database_.run(
        "INSERT INTO adapters(name, path, bytes, modified, origin, folder, state, created) "
        "VALUES (?, ?, ?, ?, 'folder', ?, 'inspecting', ?)",
        {file.stem().string(), file.string(), bytes, state, folder, utc_now()});
  }
  return id;
}

nlohmann::json Library::scan(int64_t id) {
  const nlohmann::json folder = folder_row(id);
  const std::set<fs::path> files = lora_files(folder.at("path").get<std::string>());
  std::vector<int64_t> changed;
  database_.transaction([&] {
    for (const fs::path& file : files)
      if (const auto card = add_or_update(file, id)) changed.push_back(*card);
    for (const nlohmann::json& row : database_.rows("SELECT id, path FROM adapters WHERE folder = ?", {id}))
      if (!files.contains(row.at("path").get<std::string>()))
        database_.run("DELETE FROM adapters WHERE id = ?", {row.at("id")});
    database_.run("UPDATE folders SET files = ? WHERE id = ?", {files.size(), id});
  });
  for (const int64_t card : changed)
    inspector_.queue(card);  // not while the database is held: the inspector asks it
  events_.publish({{"folder", id}, {"event", {{"event", "changed"}}}});
  return folder_row(id);
}

void Library::remove_folder(int64_t id) {
  folder_row(id);
  database_.run("DELETE FROM folders WHERE id = ?", {id});  // and its cards
  events_.publish({{"folder", id}, {"event", {{"event", "removed"}}}});
}

}  // namespace ziplora::studio
