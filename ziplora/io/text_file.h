#pragma once
/// Reads text that people wrote in an editor of their own: Windows' editors put a byte order mark in front of
/// UTF-8, or write UTF-16.
///
///     std::string caption = read_text_file("dog.txt");

#include <filesystem>
#include <string>

namespace ziplora {

/// @return UTF-8 without a byte order mark; UTF-16 with one is converted
/// @throws Error(kInput) as read_file; if the text is in another encoding, with the place of the first byte that
///         is not UTF-8
std::string read_text_file(const std::filesystem::path& path, uint64_t size_limit_bytes = uint64_t{1} << 30);

}  // namespace ziplora
