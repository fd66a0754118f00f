#pragma once
/// Tells what a file is by its first bytes, for readers that expected something else.
///
///     looks_like("GIF89a…");   // "a GIF image"

#include <string_view>

namespace ziplora {

/// @param head  the file, or at least its first 300 bytes
/// @return words that complete "it looks like …" and say what to do; empty if nothing is recognised
std::string_view looks_like(std::string_view head);

}  // namespace ziplora
