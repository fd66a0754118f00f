#pragma once
/// Where the emoji world is on disk.

#include <filesystem>

namespace ziplora::mini {

struct WorldPlace {
  std::filesystem::path assets = "mini/assets";  ///< catalogue, committed
  std::filesystem::path cache = ".cache/world";  ///< packages and rendered drawings, rebuilt on any machine
};

}  // namespace ziplora::mini
