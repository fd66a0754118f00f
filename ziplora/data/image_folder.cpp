#include "ziplora/data/image_folder.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "ziplora/base/error.h"
#include "ziplora/data/caption_files.h"
#include "ziplora/data/repeat_folders.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/text_file.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
constexpr const char* kMetadataName = "metadata.jsonl";
constexpr uint64_t kCaptionLimitBytes = uint64_t{1} << 20;

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// file_name → text of one metadata.jsonl
std::map<std::string, std::string> read_metadata(const fs::path& path) {
  std::map<std::string, std::string> captions;
  std::istringstream lines(read_text_file(path));
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

using Captions = std::map<std::string, std::string>;  // file name → text

CaptionedImage with_caption(const fs::path& image, const CaptionFiles& files, const Captions& metadata) {
  CaptionedImage item{image, std::nullopt};
  std::vector<std::string> sources;
  for (const fs::path& file : files.of(image)) {
    item.caption = trimmed(read_text_file(file, kCaptionLimitBytes));
    sources.push_back(file.filename().string());
  }
  if (const auto found = metadata.find(image.filename().string()); found != metadata.end()) {
    item.caption = found->second;
    sources.push_back(kMetadataName);
  }
  if (sources.size() > 1)
    throw Error(ErrorKind::kInput, "read captions of " + image.string(),
                fmt::format("it has two captions, one in {} and one in {}", sources[0], sources[1]),
                "keep one of them");
  return item;
}

/// The images among these, with their captions.
/// @param folder  of all of them
/// @param files   of that folder
std::vector<CaptionedImage> with_captions(const std::vector<fs::path>& images, const fs::path& folder,
                                          const CaptionFiles& files) {
  Captions metadata;
  if (fs::exists(folder / kMetadataName)) metadata = read_metadata(folder / kMetadataName);
  std::vector<CaptionedImage> items;
  for (const fs::path& image : images) items.push_back(with_caption(image, files, metadata));
  return items;
}

/// Systems leave these in every folder.
bool is_clutter(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".") || name == "Thumbs.db" || name == "desktop.ini";
}

std::string reason_of(const fs::directory_entry& entry) {
  if (entry.is_directory()) return "a folder inside the folder";
  if (!entry.is_regular_file()) return "no regular file";
  if (is_caption_file(entry.path())) return "no image has this name";
  const std::string format = image_file_kind(entry.path()).format;
  return format.empty() ? "no image" : fmt::format("of type {}, which is not read", format);
}

/// What a folder holds beside what is used of it.
void name_unused(const fs::path& folder, std::set<fs::path> used, std::vector<UnusedFile>& unused) {
  used.insert(folder / kMetadataName);
  std::map<fs::path, std::string> rest;  // in the order of names
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (!used.count(entry.path()) && !is_clutter(entry.path())) rest[entry.path()] = reason_of(entry);
  for (const auto& [path, reason] : rest) unused.push_back({path, reason});
}

/// A folder that holds images itself, each of which counts `repeats` times.
void list_images_of(const fs::path& folder, int64_t repeats, ListedImages& listed) {
  const std::vector<fs::path> images = list_images(folder, is_caption_file);
  const CaptionFiles captions(folder);
  for (const CaptionedImage& item : with_captions(images, folder, captions))
    listed.items.insert(listed.items.end(), static_cast<size_t>(repeats), item);
  std::set<fs::path> used(images.begin(), images.end());
  for (const fs::path& image : images)
    for (const fs::path& caption : captions.of(image)) used.insert(caption);
  name_unused(folder, std::move(used), listed.unused);
}

void list_folder(const fs::path& folder, ListedImages& listed) {
  const std::vector<RepeatFolder> repeated = repeat_folders(folder);
  if (repeated.empty()) return list_images_of(folder, 1, listed);
  std::set<fs::path> read;
  for (const auto& [inside, repeats] : repeated) {
    list_images_of(inside, repeats, listed);
    read.insert(inside);
  }
  name_unused(folder, std::move(read), listed.unused);
}

}  // namespace

ListedImages list_training_images(const std::vector<fs::path>& folders_or_files) {
  if (folders_or_files.empty())
    throw Error(ErrorKind::kInput, "list images", "no image and no folder is named",
                "name at least one image or a folder of images");
  ListedImages listed;
  for (const fs::path& named : folders_or_files) {
    if (fs::is_directory(named))
      list_folder(named, listed);
    else
      for (CaptionedImage& item :
           with_captions(list_images(named), named.parent_path(), CaptionFiles(named.parent_path())))
        listed.items.push_back(std::move(item));
  }
  return listed;
}

std::vector<CaptionedImage> list_captioned_images(const std::vector<fs::path>& folders_or_files) {
  return list_training_images(folders_or_files).items;
}

}  // namespace ziplora
