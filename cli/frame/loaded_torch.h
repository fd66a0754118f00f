#pragma once
/// The LibTorch that the process has loaded, which need not be the one that it was built with.
///
///     loaded_torch().version   // "2.13.0+cpu"

#include <string>

namespace ziplora::cli {

struct LoadedTorch {
  std::string version;  ///< PyPI's name of the build, with its local part: "2.13.0+cu130"
  std::string folder;   ///< the wheel's `torch`; empty where the library lies in no wheel
};

LoadedTorch loaded_torch();

}  // namespace ziplora::cli
