#include "ziplora/base/free_space.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"

namespace ziplora {

void require_space_for(const std::filesystem::path& path, uint64_t size_bytes) {
  std::error_code unknown;
  const std::filesystem::space_info space =
      std::filesystem::space(path.has_parent_path() ? path.parent_path() : ".", unknown);
  if (unknown || space.available >= size_bytes) return;
  throw Error(
      ErrorKind::kExhausted, "write " + path.string(),
      fmt::format("No space left on device: the file takes {:.3f} GB, {:.3f} GB are free",
                  static_cast<double>(size_bytes) * 1e-9, static_cast<double>(space.available) * 1e-9),
      "free some space, or write to another disk");
}

}  // namespace ziplora
