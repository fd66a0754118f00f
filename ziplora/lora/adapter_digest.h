#pragma once
/// The fingerprint by which recipes and states name an adapter that they were made from.
///
///     sha256_of_adapter("cat.safetensors");   // the file's own
///     sha256_of_adapter("cat-peft/");         // of the folder's weights and configs

#include <filesystem>
#include <string>

namespace ziplora {

/// @return 64 hexadecimal digits; of a folder those of its files' digests in the order of their paths
/// @throws Error(kInput) if a file is missing or unreadable
std::string sha256_of_adapter(const std::filesystem::path& path);

}  // namespace ziplora
