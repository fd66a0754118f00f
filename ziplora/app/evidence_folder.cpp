#include "ziplora/app/evidence_folder.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/sha256.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

constexpr size_t kDigits = 32;
constexpr const char *kMerges = "merges", *kImages = "images";

void make_folder(const fs::path& path) {
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed)
    throw Error(fs::exists(path) ? ErrorKind::kUsage : ErrorKind::kFailed, "evaluate: -o " + path.string(),
                "the folder cannot be made: " + failed.message(), "name another folder with -o");
}

/// Of the files that are named so.
std::vector<EvidenceKey> keys_in(const fs::path& folder, const std::string& extension) {
  std::vector<EvidenceKey> keys;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() == extension && stem.size() == kDigits &&
        stem.find_first_not_of("0123456789abcdef") == std::string::npos)
      keys.push_back(stem);
  }
  std::ranges::sort(keys);
  return keys;
}

}  // namespace

EvidenceFolder::EvidenceFolder(fs::path path) : path_(std::move(path)) {
  make_folder(path_ / kMerges);
  make_folder(path_ / kImages);
}

EvidenceKey EvidenceFolder::key_of(const nlohmann::json& settings) {
  nlohmann::json whole = {{"ziplora", ZIPLORA_VERSION}, {"settings", settings}};
  return sha256_of_bytes(json_line(whole)).substr(0, kDigits);
}

fs::path EvidenceFolder::merge(const EvidenceKey& key) const {
  return path_ / kMerges / (key + ".safetensors");
}

fs::path EvidenceFolder::merge_state(const EvidenceKey& key) const {
  return path_ / kMerges / (key + ".merge-state.safetensors");
}

fs::path EvidenceFolder::merge_lock(const EvidenceKey& key) const {
  return path_ / kMerges / ("." + key + ".lock");
}

fs::path EvidenceFolder::merge_note(const EvidenceKey& key) const {
  return path_ / kMerges / (key + ".json");
}

fs::path EvidenceFolder::image(const EvidenceKey& key) const { return path_ / kImages / (key + ".png"); }

std::vector<EvidenceKey> EvidenceFolder::merges() const {
  std::vector<EvidenceKey> keys = keys_in(path_ / kMerges, ".json");
  std::erase_if(keys, [&](const EvidenceKey& key) { return !has_merge(key); });
  return keys;
}

std::vector<EvidenceKey> EvidenceFolder::images() const { return keys_in(path_ / kImages, ".png"); }

bool EvidenceFolder::has_merge(const EvidenceKey& key) const {
  return fs::exists(merge_note(key)) && fs::exists(merge(key));
}

void EvidenceFolder::note_merge(const EvidenceKey& key, const nlohmann::json& facts) const {
  write_json_file(merge_note(key), facts);
}

nlohmann::json EvidenceFolder::merge_facts(const EvidenceKey& key) const {
  return read_json_file(merge_note(key));
}

std::string sha256_of_base(const fs::path& base) {
  if (!fs::is_directory(base)) return sha256_of_file(base);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(base))
    if (entry.path().extension() == ".safetensors" || entry.path().extension() == ".json")
      files.push_back(entry.path());
  std::ranges::sort(files);
  std::string lines;
  for (const fs::path& file : files)
    lines += sha256_of_file(file) + "  " + fs::relative(file, base).generic_string() + "\n";
  return sha256_of_bytes(lines);
}

}  // namespace ziplora
