#pragma once
/// An adapter file as a user names it: the file, how strongly it counts, and what it is to the others.

#include <filesystem>

#include "ziplora/lora/role.h"

namespace ziplora {

struct AdapterChoice {
  std::filesystem::path file;
  double strength = 1.0;  ///< multiplies ΔW
  Role role = Role::kAdapter;
};

}  // namespace ziplora
