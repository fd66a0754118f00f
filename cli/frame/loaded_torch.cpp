#include "cli/frame/loaded_torch.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <torch/headeronly/version.h>

#include <filesystem>
#include <fstream>

namespace ziplora::cli {
namespace {

namespace fs = std::filesystem;

/// torch/version.py has the line `__version__ = '2.13.0+cpu'`.
std::string version_of(const fs::path& wheel) {
  std::ifstream file(wheel / "version.py");
  const std::string opening = "__version__ = '";
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(opening)) return line.substr(opening.size(), line.rfind('\'') - opening.size());
  return "";
}

}  // namespace

LoadedTorch loaded_torch() {
  Dl_info library;
  if (dladdr(reinterpret_cast<const void*>(&at::globalContext), &library) != 0 && library.dli_fname) {
    const fs::path wheel = fs::path(library.dli_fname).lexically_normal().parent_path().parent_path();
    if (const std::string version = version_of(wheel); !version.empty()) return {version, wheel.string()};
  }
  return {TORCH_VERSION, ""};
}

}  // namespace ziplora::cli
