#pragma once
/// The error of a write that the system has refused.
///
///     if (::write(…) < 0) throw_write_failure("writing failed", path, errno);

#include <filesystem>
#include <string>

namespace ziplora {

/// @param code  errno
/// @param flag  the command line's, that chooses another place
/// @throws Error(kExhausted) if the disk is full, else Error(kFailed)
[[noreturn]] void throw_write_failure(const std::string& what, const std::filesystem::path& path, int code,
                                      const std::string& flag = "-o");

}  // namespace ziplora
