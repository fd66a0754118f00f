#pragma once
/// Opens an input file, or says what is wrong with its path in words that help: readers share one set of
/// them.
///
///     const int descriptor = open_input("cat.safetensors");   // the caller closes it

#include <filesystem>

namespace ziplora {

/// @param flags  more than O_RDONLY | O_CLOEXEC, of open(2)
/// @throws Error(kInput): no such file, a symbolic link that leads nowhere or in a circle, no permission, …
int open_input(const std::filesystem::path& path, int flags = 0);

}  // namespace ziplora
