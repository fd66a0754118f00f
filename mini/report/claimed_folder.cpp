#include "mini/report/claimed_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>

#include "ziplora/base/error.h"
#include "ziplora/base/lock_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/sha256.h"

namespace ziplora::mini {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRecipeFile = "recipe.json";
constexpr const char* kLockFile = ".recipe.json.lock";

/// Parts of one work that begin at the same time claim one after the other.
void wait_for(LockFile& lock) {
  while (lock.take() == FileLock::kHeldByAnother) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

}  // namespace

nlohmann::json weights_of(const fs::path& base) {
  nlohmann::json weights;
  std::error_code missing;  // loading the base will say so
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(base, missing))
    if (entry.path().extension() == ".safetensors")
      weights[fs::relative(entry.path(), base).generic_string()] = sha256_of_file(entry.path());
  return weights;
}

void claim_folder(const fs::path& folder, const nlohmann::json& recipe, const std::string& where) {
  const fs::path file = folder / kRecipeFile;
  fs::create_directories(folder);
  LockFile lock(folder / kLockFile);
  wait_for(lock);
  const auto is_made = [](const fs::directory_entry& entry) {
    return entry.path().filename() != kRecipeFile && entry.path().filename() != kLockFile;
  };
  if (std::ranges::none_of(fs::directory_iterator(folder), is_made)) {
    write_json_file(file, recipe);
  } else if (!fs::exists(file)) {
    throw Error(
        ErrorKind::kUsage, where,
        fmt::format("{} holds files but no {} that says what they come from", folder.string(), kRecipeFile),
        "empty it, or name another folder with -o");
  } else if (read_json_file(file) != recipe) {
    throw Error(
        ErrorKind::kUsage, where,
        fmt::format("{} holds LoRAs of another base, seed or settings ({})", folder.string(), file.string()),
        "name another folder with -o, or remove that one");
  }
}

}  // namespace ziplora::mini
