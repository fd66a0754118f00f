#include "ziplora/base/free_space.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/base/output_target.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

OutputTarget target_of(const fs::path& path) {
  std::error_code unseen;
  const bool is_folder = !path.has_filename() || fs::is_directory(path, unseen);
  return is_folder ? OutputTarget{follow_links(path)} : find_output_target(path);
}

}  // namespace

void require_space_for(const fs::path& path, uint64_t size_bytes) {
  std::error_code unknown;
  const fs::space_info space = fs::space(target_of(path).storage_folder(), unknown);
  if (unknown || space.available >= size_bytes) return;
  throw Error(
      ErrorKind::kExhausted, "write " + path.string(),
      fmt::format("No space left on device: the file takes {:.3f} GB, {:.3f} GB are free",
                  static_cast<double>(size_bytes) * 1e-9, static_cast<double>(space.available) * 1e-9),
      "free some space, or write to another disk");
}

}  // namespace ziplora
