#include "ziplora/data/repeat_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "ziplora/base/error.h"
#include "ziplora/base/parse_number.h"
#include "ziplora/data/caption_files.h"
#include "ziplora/io/image_file.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kMostRepeats = 10'000;

/// @return the digits before the first "_", if there is nothing else there
std::string repeats_of_name(const std::string& name) {
  const size_t end = name.find_first_not_of("0123456789");
  return end != std::string::npos && end > 0 && name[end] == '_' ? name.substr(0, end) : "";
}

bool is_image(const fs::directory_entry& entry) {
  return entry.is_regular_file() && !is_caption_file(entry.path()) && image_file_kind(entry.path()).is_read;
}

int64_t parse_repeats(const fs::path& folder, const std::string& digits) {
  const int64_t repeats = parse_number<int64_t>(digits).value_or(kMostRepeats + 1);
  if (repeats < 1 || repeats > kMostRepeats)
    throw Error(ErrorKind::kInput, "list images of " + folder.string(),
                fmt::format("its name says that each image counts {} times; 1 to {} are possible", digits,
                            kMostRepeats),
                "name the folder 1_NAME, or move it away");
  return repeats;
}

}  // namespace

std::vector<RepeatFolder> repeat_folders(const fs::path& folder) {
  std::error_code error;
  const fs::directory_iterator entries(folder, error);
  if (error)
    throw Error(ErrorKind::kInput, "list images of " + folder.string(), error.message(),
                "check that you may read it");
  std::vector<fs::directory_entry> inside(begin(entries), end(entries));
  if (std::ranges::any_of(inside, is_image)) return {};
  std::vector<RepeatFolder> found;
  int64_t divisor = 0;
  for (const fs::directory_entry& entry : inside) {
    const std::string digits = repeats_of_name(entry.path().filename().string());
    if (digits.empty() || !entry.is_directory()) continue;
    found.push_back({entry.path(), parse_repeats(entry.path(), digits)});
    divisor = std::gcd(divisor, found.back().repeats);
  }
  for (RepeatFolder& repeated : found) repeated.repeats /= divisor;
  std::ranges::sort(found, {}, &RepeatFolder::folder);
  return found;
}

}  // namespace ziplora
