#pragma once
/// The questions that the studio asks `ziplora` itself, each in a process of its own: a file that crashes or hangs a reader
/// costs its answer and nothing else, and LibTorch is never in the server's memory.
///
///     const Program program("/usr/bin/ziplora");
///     program.verb("merge").at("flags");

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ziplora::studio {

struct Answer {
  int exit_code = 0;     ///< minus a signal's number
  std::string out;       ///< stdout
  nlohmann::json error;  ///< the last error event; null: none
  std::vector<std::string> notes, warnings;
};

class Program {
 public:
  explicit Program(std::filesystem::path path) : path_(std::move(path)) {}
  const std::filesystem::path& path() const { return path_; }

  /// What --print-flags prints, asked once.
  const nlohmann::ordered_json& flags() const;
  /// Its entry for the verb.
  /// @throws Refusal(404) if the program has none of the name
  const nlohmann::ordered_json& verb(const std::string& name) const;

  /// Runs it with `--json` until it ends or the time is up.
  /// @param folder  that relative paths are meant from
  Answer ask(std::vector<std::string> words, const std::filesystem::path& folder, int seconds) const;
  /// ask(), and its JSON.
  /// @throws Refusal with the program's own error
  nlohmann::json result_of(std::vector<std::string> words, const std::filesystem::path& folder,
                           int seconds) const;

 private:
  std::filesystem::path path_;
  mutable std::mutex mutex_;
  mutable nlohmann::ordered_json flags_;
};

/// The error of a program that ended so without a word of its own.
nlohmann::json error_of_end(int exit_code);

}  // namespace ziplora::studio
