#pragma once
/// What a file is by its first bytes, for readers that expected something else.
///
///     looks_like("PK\x03\x04…")  // "a zip archive or a PyTorch .pt/.ckpt file; convert it to safetensors
///     first"

#include <string_view>

namespace ziplora {

/// @param head  the file, or at least its first 300 bytes
/// @return completes "it looks like …" and says what to do; empty if there is no sign
std::string_view looks_like(std::string_view head);

}  // namespace ziplora
