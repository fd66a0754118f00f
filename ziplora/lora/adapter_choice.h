#pragma once
/// An adapter file as a user names it: the file and how strongly it counts.

#include <filesystem>

namespace ziplora {

struct AdapterChoice {
  std::filesystem::path file;
  double strength = 1.0;  ///< multiplies ΔW
};

}  // namespace ziplora
