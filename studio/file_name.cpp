#include "studio/file_name.h"

#include <algorithm>

#include "ziplora/base/utf8.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

constexpr size_t kLongestName = 120;

bool may_stay(unsigned char byte) {
  const bool is_letter =
      (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
  return is_letter || byte >= 0x80 ||
         std::string_view(" -_.+()").find(static_cast<char>(byte)) != std::string_view::npos;
}

/// Of a name that is too long, the end of its stem goes: its extension says what it is.
std::string shortened(const std::string& name) {
  if (name.size() <= kLongestName) return name;
  const std::string extension = fs::path(name).extension().string();
  const size_t kept = kLongestName - std::min<size_t>(extension.size(), 20);
  size_t end = kept;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;  // no half character
  return name.substr(0, end) + extension.substr(0, 20);
}

}  // namespace

std::string safe_name(std::string_view name, std::string_view otherwise) {
  const size_t slash = name.find_last_of("/\\");
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string safe;
  for (const char character : name) safe += may_stay(static_cast<unsigned char>(character)) ? character : '_';
  if (!is_utf8(safe))
    std::ranges::replace_if(
        safe, [](char character) { return static_cast<unsigned char>(character) >= 0x80; }, '_');
  safe.erase(0, std::min(safe.find_first_not_of(". -"), safe.size()));
  while (!safe.empty() && (safe.back() == ' ' || safe.back() == '.')) safe.pop_back();
  return safe.empty() ? std::string(otherwise) : shortened(safe);
}

bool is_inside(const fs::path& folder, const fs::path& path) {
  std::error_code failed;
  const fs::path whole = fs::canonical(folder, failed);
  if (failed) return false;
  const fs::path real = fs::canonical(path, failed);
  if (failed) return false;
  return std::mismatch(whole.begin(), whole.end(), real.begin(), real.end()).first == whole.end();
}

std::string extension_of(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& character : extension)
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
  return extension;
}

}  // namespace ziplora::studio
