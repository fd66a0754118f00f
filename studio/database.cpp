#include "studio/database.h"

#include <sqlite3.h>

#include <memory>

#include "studio/schema.h"
#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora::studio {
namespace {

using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

int bind(sqlite3_stmt* statement, int index, const nlohmann::json& value) {
  if (value.is_null()) return sqlite3_bind_null(statement, index);
  if (value.is_boolean()) return sqlite3_bind_int(statement, index, value.get<bool>() ? 1 : 0);
  if (value.is_number_integer()) return sqlite3_bind_int64(statement, index, value.get<int64_t>());
  if (value.is_number_float()) return sqlite3_bind_double(statement, index, value.get<double>());
  const std::string text = value.is_string() ? value.get<std::string>() : json_line(value);
  return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

nlohmann::json column(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement, index);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, index);
    case SQLITE_NULL:
      return nullptr;
    default: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, index));
      return std::string(text ? text : "", static_cast<size_t>(sqlite3_column_bytes(statement, index)));
    }
  }
}

nlohmann::json row_of(sqlite3_stmt* statement) {
  nlohmann::json row = nlohmann::json::object();
  for (int i = 0; i < sqlite3_column_count(statement); ++i)
    row[sqlite3_column_name(statement, i)] = column(statement, i);
  return row;
}

}  // namespace

Database::Database(const std::filesystem::path& file) : file_(file) {
  const int code = sqlite3_open_v2(
      file.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  if (code != SQLITE_OK) {
    const std::string problem = handle_ ? sqlite3_errmsg(handle_) : "no memory is left";
    sqlite3_close(handle_);
    throw Error(ErrorKind::kFailed, "studio: " + file.string(), "the database cannot be opened: " + problem,
                "check the folder's permissions, or name another one");
  }
  try {
    sqlite3_busy_timeout(handle_, 5000);
    rows("PRAGMA journal_mode = WAL", {});
    run("PRAGMA synchronous = FULL", {});  // what a vote or a job is told to be stays through a power cut
    run("PRAGMA foreign_keys = ON", {});
    update_schema();
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() { sqlite3_close(handle_); }

void Database::fail(const std::string& what, int code) const {
  const std::string problem = sqlite3_errmsg(handle_);
  if (code == SQLITE_FULL)
    throw Error(ErrorKind::kExhausted, what, "the disk is full",
                "make room on the disk of " + file_.string());
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
    throw Error(ErrorKind::kInput, what, problem,
                "move the file away to begin anew; the LoRA files and images beside it stay");
  throw Error(ErrorKind::kFailed, what, problem, "check the disk and the file's permissions");
}

std::vector<nlohmann::json> Database::rows(const std::string& sql, const Values& values) {
  const std::lock_guard lock(mutex_);
  const std::string where = "studio: " + file_.string();
  sqlite3_stmt* prepared = nullptr;
  if (const int code = sqlite3_prepare_v2(handle_, sql.c_str(), -1, &prepared, nullptr); code != SQLITE_OK)
    fail(where, code);
  const Statement statement(prepared, &sqlite3_finalize);
  for (size_t i = 0; i < values.size(); ++i)
    if (const int code = bind(prepared, static_cast<int>(i) + 1, values[i]); code != SQLITE_OK)
      fail(where, code);
  std::vector<nlohmann::json> found;
  for (;;) {
    const int code = sqlite3_step(prepared);
    if (code == SQLITE_DONE) return found;
    if (code != SQLITE_ROW) fail(where, code);
    found.push_back(row_of(prepared));
  }
}

std::optional<nlohmann::json> Database::row(const std::string& sql, const Values& values) {
  std::vector<nlohmann::json> found = rows(sql, values);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

int64_t Database::run(const std::string& sql, const Values& values) {
  const std::lock_guard lock(mutex_);
  rows(sql, values);
  return sqlite3_last_insert_rowid(handle_);
}

void Database::transaction(const std::function<void()>& work) {
  const std::lock_guard lock(mutex_);
  run("BEGIN IMMEDIATE", {});
  try {
    work();
    run("COMMIT", {});
  } catch (...) {
    sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);  // which a full disk may have done already
    throw;
  }
}

void Database::update_schema() {
  const auto found = row("PRAGMA user_version", {})->at("user_version").get<size_t>();
  const std::vector<std::string>& steps = schema_steps();
  if (found > steps.size())
    throw Error(ErrorKind::kInput, "studio: " + file_.string(), "a newer ziplora made this database",
                "start that one, or name another folder for the data");
  for (size_t version = found; version < steps.size(); ++version)
    transaction([&] {
      if (sqlite3_exec(handle_, steps[version].c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        fail("studio: " + file_.string(), sqlite3_errcode(handle_));
      run("PRAGMA user_version = " + std::to_string(version + 1), {});
    });
}

nlohmann::json json_column(const nlohmann::json& row, const char* column) {
  const nlohmann::json& value = row.at(column);
  if (!value.is_string()) return nullptr;
  return parse_json(value.get<std::string>()).value_or(nullptr);
}

}  // namespace ziplora::studio
