#include "ziplora/data/image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
constexpr const char* kMetadataName = "metadata.jsonl";

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// file_name → text of one metadata.jsonl
std::map<std::string, std::string> read_metadata(const fs::path& path) {
  std::map<std::string, std::string> captions;
  std::istringstream lines(read_file(path));
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (trimmed(line).empty()) continue;
    const auto refuse = [&](const std::string& problem) {
      throw Error(ErrorKind::kInput, "read " + path.string(), fmt::format("line {}: {}", number, problem),
                  R"(make each line an object like {"file_name": "dog.png", "text": "a dog"})");
    };
    const nlohmann::json entry = parse_json(line).value_or(nullptr);
    if (!entry.is_object()) refuse("not a JSON object");
    for (const char* field : {"file_name", "text"})
      if (!entry.contains(field) || !entry[field].is_string())
        refuse(fmt::format("the field \"{}\" is missing or not a string", field));
    const std::string name = entry["file_name"];
    if (!fs::exists(path.parent_path() / name))
      refuse(fmt::format("there is no image \"{}\" in the folder", name));
    if (!captions.emplace(name, trimmed(entry["text"])).second)
      refuse(fmt::format("\"{}\" is named twice", name));
  }
  return captions;
}

CaptionedImage with_caption(const fs::path& image, const std::map<std::string, std::string>& metadata) {
  CaptionedImage item{image, std::nullopt};
  if (const auto found = metadata.find(image.filename().string()); found != metadata.end())
    item.caption = found->second;
  fs::path text_file = image;
  text_file.replace_extension(".txt");
  if (fs::exists(text_file)) {
    if (item.caption)
      throw Error(ErrorKind::kInput, "read captions of " + image.string(),
                  fmt::format("it has two captions, one in {} and one in {}", text_file.filename().string(),
                              kMetadataName),
                  "keep one of them");
    item.caption = trimmed(read_file(text_file));
  }
  return item;
}

}  // namespace

std::vector<CaptionedImage> list_captioned_images(const std::vector<fs::path>& folders_or_files) {
  if (folders_or_files.empty())
    throw Error(ErrorKind::kInput, "list images", "no image and no folder is named",
                "name at least one image or a folder of images");
  std::vector<CaptionedImage> items;
  for (const fs::path& named : folders_or_files) {
    const std::vector<fs::path> images = list_images(named);
    const fs::path metadata_path = (fs::is_directory(named) ? named : named.parent_path()) / kMetadataName;
    std::map<std::string, std::string> metadata;
    if (fs::exists(metadata_path)) metadata = read_metadata(metadata_path);
    for (const fs::path& image : images) items.push_back(with_caption(image, metadata));
  }
  return items;
}

}  // namespace ziplora
