#pragma once
/// The images that jobs made and that users gave.
///
///     const int64_t id = gallery.add_made(job, result.at("images"));

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "studio/database.h"
#include "studio/event_hub.h"

namespace ziplora::studio {

/// "image/png", … by the first bytes; empty: no format that the program reads.
std::string image_type(const std::filesystem::path& file);

/// [width, height] of a PNG; nulls for other formats, which the browser measures itself.
nlohmann::json png_size(const std::filesystem::path& file);

/// What is known of an image that a job made.
struct MadeImage {
  std::filesystem::path file;
  std::optional<std::string> prompt = {};
  std::optional<int64_t> seed = {};
  /// What drew it, as one word for votes and labels.
  std::optional<std::string> contender = {};
  /// Where it stands in a grid: "row,column".
  std::optional<std::string> place = {};
};

class Gallery {
 public:
  Gallery(Database& database, EventHub& events, std::filesystem::path folder);

  /// Newest first. Without an origin, those that were made or uploaded: an evaluation has thousands.
  nlohmann::json images(const std::optional<int64_t>& before, int64_t limit, const std::string& origin);
  /// @throws Refusal(404); so do all that take an id
  nlohmann::json image(int64_t id);
  /// @throws Refusal(410) if it is gone or, in an evaluation's folder, leads out of it by now
  std::filesystem::path file(int64_t id);
  std::string type(int64_t id);
  void remove(int64_t id);

  /// A name in the folder of uploads that no file has.
  std::filesystem::path new_place(const std::string& name);
  /// @throws Refusal(422), and removes the file, if it is no image that the program reads
  int64_t add_uploaded(const std::filesystem::path& file, const std::string& name);
  bool has(const std::filesystem::path& file);
  int64_t add_made(int64_t job, const MadeImage& made);

 private:
  nlohmann::json row(int64_t id);
  Database& database_;
  EventHub& events_;
  std::filesystem::path folder_;
};

}  // namespace ziplora::studio
