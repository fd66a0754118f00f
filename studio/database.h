#pragma once
/// The studio's SQLite file, in which every change is on the disk when the call returns. Rows are JSON objects by column.
///
///     Database database(folder / "studio.sqlite");
///     const int64_t id = database.run("INSERT INTO folders(path) VALUES (?)", {path});
///     for (const nlohmann::json& row : database.rows("SELECT * FROM folders", {})) row["path"];
///
/// Safe from any thread: one statement, or one transaction, at a time.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

struct sqlite3;

namespace ziplora::studio {

/// null, numbers, booleans and texts; objects and arrays are stored as their text.
using Values = std::vector<nlohmann::json>;

class Database {
 public:
  /// Opens the file, or makes it, and brings its schema to this version.
  /// @throws Error(kInput) if it is no SQLite file, or that of a newer studio; Error(kFailed, kExhausted)
  explicit Database(const std::filesystem::path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// @throws Error(kExhausted) if the disk is full, else Error(kFailed)
  std::vector<nlohmann::json> rows(const std::string& sql, const Values& values);
  /// The first row.
  std::optional<nlohmann::json> row(const std::string& sql, const Values& values);
  /// @return the id of the row that was inserted last
  int64_t run(const std::string& sql, const Values& values);
  /// All of it or nothing.
  void transaction(const std::function<void()>& work);

 private:
  void update_schema();
  [[noreturn]] void fail(const std::string& what, int code) const;
  std::filesystem::path file_;
  sqlite3* handle_ = nullptr;
  std::recursive_mutex mutex_;
};

/// A column that holds JSON as text; null if it holds nothing.
nlohmann::json json_column(const nlohmann::json& row, const char* column);

}  // namespace ziplora::studio
