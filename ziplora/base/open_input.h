#pragma once
/// Opens an input file, or explains what is wrong with its path; all readers share these messages.
///
///     const int descriptor = open_input("cat.safetensors");  // the caller closes it

#include <filesystem>

namespace ziplora {

/// @param flags  of open(2), in addition to O_RDONLY | O_CLOEXEC
/// @throws Error(kInput): no such file, a symbolic link that leads nowhere or in a circle, no permission, …
int open_input(const std::filesystem::path& path, int flags = 0);

}  // namespace ziplora
