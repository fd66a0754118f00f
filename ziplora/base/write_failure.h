#pragma once
/// The error for a write that the system refused.
///
///     if (::write(…) < 0) throw_write_failure("writing failed", path, errno);

#include <filesystem>
#include <string>

namespace ziplora {

/// @param code   errno
/// @param place  for the hint: what the user sets to write elsewhere, such as a flag; empty: not known
/// @throws Error(kExhausted) if the disk is full, else Error(kFailed)
[[noreturn]] void throw_write_failure(const std::string& what, const std::filesystem::path& path, int code,
                                      const std::string& place = "");

}  // namespace ziplora
