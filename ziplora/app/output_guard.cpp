#include "ziplora/app/output_guard.h"

#include <algorithm>
#include <system_error>

#include "ziplora/base/error.h"

namespace ziplora {
namespace fs = std::filesystem;

namespace {

/// Made absolute first: a relative path of which nothing exists would stay relative.
fs::path resolved(const fs::path& path) {
  std::error_code ignored;
  return fs::weakly_canonical(fs::absolute(path, ignored), ignored);
}

}  // namespace

bool is_same_place(const fs::path& a, const fs::path& b) { return resolved(a) == resolved(b); }

bool lies_in(const fs::path& path, const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return false;
  const fs::path inside = resolved(path), outside = resolved(folder);
  return std::mismatch(outside.begin(), outside.end(), inside.begin(), inside.end()).first == outside.end();
}

void refuse_output_among(const std::string& where, const fs::path& output,
                         const std::vector<fs::path>& inputs) {
  std::error_code ignored;  // of files that do not exist
  for (const fs::path& input : inputs)
    if (fs::equivalent(output, input, ignored) || lies_in(output, input))
      throw Error(ErrorKind::kUsage, where, "the output is one of the inputs, which would be lost",
                  "choose another name");
}

}  // namespace ziplora
