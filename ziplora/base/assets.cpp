#include "ziplora/base/assets.h"

#include <system_error>

namespace ziplora {
namespace fs = std::filesystem;

std::vector<fs::path> asset_places(const fs::path& name) {
  std::error_code ignored;  // without /proc the current folder is left, and that may be deleted
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path prefix = program.parent_path().parent_path();
  return {prefix / "assets" / name, prefix / "share/ziplora" / name,
          fs::current_path(ignored) / "assets" / name};
}

std::optional<fs::path> find_asset(const fs::path& name) {
  std::error_code ignored;  // what cannot be looked at is not there
  for (const fs::path& place : asset_places(name))
    if (fs::exists(place, ignored)) return place;
  return std::nullopt;
}

}  // namespace ziplora
