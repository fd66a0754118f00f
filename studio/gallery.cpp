#include "studio/gallery.h"

#include <array>
#include <string_view>

#include "studio/clock.h"
#include "studio/file_name.h"
#include "studio/random_text.h"
#include "studio/refusal.h"
#include "ziplora/base/open_input.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

std::string first_bytes(const fs::path& path) {
  std::array<char, 32> head{};
  return {head.data(), open_input(path, "an image").read(head.data(), head.size())};
}

/// Of a PNG's first chunk.
nlohmann::json size_of_png(std::string_view head) {
  if (head.size() < 24 || !head.starts_with("\x89PNG\r\n")) return {nullptr, nullptr};
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(head[i]);
    return value;
  };
  return {number(16), number(20)};
}

template <class Value>
nlohmann::json or_null(const std::optional<Value>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

}  // namespace

std::string image_type(const fs::path& file) {
  const std::string head = first_bytes(file);
  const std::string_view bytes = head;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.size() > 12 && bytes.substr(8, 4) == "WEBP") return "image/webp";
  if (bytes.starts_with("BM")) return "image/bmp";
  if (bytes.starts_with(std::string_view("II*\0", 4)) || bytes.starts_with(std::string_view("MM\0*", 4)))
    return "image/tiff";
  return "";
}

nlohmann::json png_size(const fs::path& file) { return size_of_png(first_bytes(file)); }

Gallery::Gallery(Database& database, EventHub& events, fs::path folder)
    : database_(database), events_(events), folder_(std::move(folder)) {
  fs::create_directories(folder_);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {  // what a killed server left
    std::error_code ignored;
    if (!database_.row("SELECT id FROM images WHERE path = ?", {entry.path().string()}))
      fs::remove(entry.path(), ignored);
  }
}

nlohmann::json Gallery::row(int64_t id) {
  if (auto found = database_.row("SELECT * FROM images WHERE id = ?", {id})) return std::move(*found);
  throw no_such("image", std::to_string(id));
}

nlohmann::json Gallery::images(const std::optional<int64_t>& before, int64_t limit,
                               const std::string& origin) {
  nlohmann::json images = nlohmann::json::array();
  const int64_t below = before.value_or(INT64_MAX);
  for (nlohmann::json& row : database_.rows(
           "SELECT * FROM images WHERE id < ? AND (origin = ? OR (? = '' AND origin <> 'evaluation')) "
           "ORDER BY id DESC LIMIT ?",
           {below, origin, origin, limit})) {
    row.erase("path");
    images.push_back(std::move(row));
  }
  const bool may_be_more = static_cast<int64_t>(images.size()) == limit;
  const nlohmann::json next = may_be_more && limit > 0 ? images.back().at("id") : nlohmann::json();
  return {{"images", std::move(images)}, {"next", next}};
}

nlohmann::json Gallery::image(int64_t id) {
  nlohmann::json found = row(id);
  found.erase("path");
  return found;
}

fs::path Gallery::file(int64_t id) {
  const nlohmann::json found = row(id);
  const fs::path path = found.at("path").get<std::string>();
  const auto evaluation =
      database_.row("SELECT path FROM evaluations WHERE id = ?", {found.at("evaluation")});
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored) &&
      (!evaluation || is_inside(evaluation->at("path").get<std::string>(), path)))
    return path;
  throw Refusal(410, "gone", "image " + std::to_string(id), "the file is no longer there",
                "delete the image");
}

std::string Gallery::type(int64_t id) { return row(id).at("type"); }

void Gallery::remove(int64_t id) {
  const nlohmann::json found = row(id);
  database_.run("DELETE FROM images WHERE id = ?", {id});
  std::error_code ignored;
  if (found.at("origin") != "evaluation") fs::remove(found.at("path").get<std::string>(), ignored);
  events_.publish({{"image", id}, {"event", {{"event", "removed"}}}});
}

fs::path Gallery::new_place(const std::string& name) {
  return folder_ / (random_text(8) + extension_of(safe_name(name, "image.png")));
}

int64_t Gallery::add_uploaded(const fs::path& file, const std::string& name) {
  const std::string type = image_type(file);
  if (type.empty()) {
    fs::remove(file);
    throw Refusal(422, "input", "image " + safe_name(name, "image"), "this is no image that can be read",
                  "give a PNG, JPEG, WebP, GIF, BMP or TIFF");
  }
  const nlohmann::json size = png_size(file);
  const int64_t id = database_.run(
      "INSERT INTO images(name, path, bytes, width, height, type, origin, created) VALUES (?, ?, ?, ?, ?, ?, "
      "'uploaded', ?)",
      {safe_name(name, "image"), file.string(), fs::file_size(file), size[0], size[1], type, utc_now()});
  events_.publish({{"image", id}, {"event", {{"event", "changed"}}}});
  return id;
}

bool Gallery::has(const fs::path& file) {
  return database_.row("SELECT id FROM images WHERE path = ?", {file.string()}).has_value();
}

int64_t Gallery::add_made(int64_t job, const MadeImage& made) {
  const nlohmann::json size = png_size(made.file);
  const int64_t id = database_.run(
      "INSERT OR IGNORE INTO images(name, path, bytes, width, height, type, origin, job, prompt, seed, contender, "
      "place, created) VALUES (?, ?, ?, ?, ?, 'image/png', 'made', ?, ?, ?, ?, ?, ?)",
      {made.file.filename().string(), made.file.string(), fs::file_size(made.file), size[0], size[1], job,
       or_null(made.prompt), or_null(made.seed), or_null(made.contender), or_null(made.place), utc_now()});
  events_.publish({{"image", id}, {"event", {{"event", "changed"}}}});
  return id;
}

}  // namespace ziplora::studio
