#pragma once
/// The LoRA files that the studio knows: uploaded, lying in folders that the user named, and made by jobs.
///
///     const int64_t id = library.add(path, "uploaded", {});
///     library.card(id);
///
/// Files of folders are read where they lie, and never moved, changed or deleted.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "studio/database.h"
#include "studio/event_hub.h"
#include "studio/inspector.h"

namespace ziplora::studio {

class Library {
 public:
  /// @param folder  of the studio's own files, in which each upload has a folder
  Library(Database& database, EventHub& events, Inspector& inspector, std::filesystem::path folder);

  nlohmann::json cards();
  /// @throws Refusal(404); so do all that take an id
  nlohmann::json card(int64_t id);
  /// The whole of what inspect said.
  nlohmann::json inspected(int64_t id);
  /// The same, once it is known; waits for a minute.
  nlohmann::json wait_inspected(int64_t id);
  /// @throws Refusal(410) if the file is gone or, in a folder, leads out of it by now
  std::filesystem::path file(int64_t id);
  /// @throws Refusal(404) if there is none
  std::filesystem::path preview(int64_t id);

  /// A new folder for a file that is about to arrive.
  std::filesystem::path new_place();
  /// The file lies there, whole. @return its id; the card follows once it is inspected
  int64_t add(const std::filesystem::path& file, const std::string& origin,
              const std::optional<int64_t>& job);
  /// Forgets the card, and the file if it is the studio's own.
  void remove(int64_t id);
  /// Of its file; nothing: the library has none of the path.
  std::optional<int64_t> find(const std::string& path);
  /// The newest of the name.
  std::optional<int64_t> find_by_name(const std::string& name);

  nlohmann::json folders();
  /// @throws Refusal(400) if it is no folder, or one of the studio's own
  nlohmann::json add_folder(const std::string& path);
  nlohmann::json scan(int64_t folder);
  void remove_folder(int64_t folder);

 private:
  nlohmann::json row(int64_t id);
  nlohmann::json folder_row(int64_t id);
  void remove_leftovers();
  /// @return the card's id if the file is to be inspected
  std::optional<int64_t> add_or_update(const std::filesystem::path& file, int64_t folder);
  Database& database_;
  EventHub& events_;
  Inspector& inspector_;
  std::filesystem::path folder_;
};

}  // namespace ziplora::studio
