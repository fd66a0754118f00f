#pragma once
/// Where the characters of a text begin and end, and where it is not UTF-8.
///
///     const auto [code, size_bytes] = first_character("größe");   // 'g', 1
///     is_utf8("caf\xE9");                                         // false

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ziplora {

struct Character {
  uint32_t code;
  size_t size_bytes;
};

/// Whether the byte is one of a character's further bytes.
bool continues_character(char byte);

/// The character that `text`, which is not empty, begins with; of size 0 if these bytes are not UTF-8.
Character first_character(std::string_view text);

bool is_utf8(std::string_view text);

/// Characters, not bytes: what a text takes of a terminal's columns, where none is wide.
size_t count_characters(std::string_view text);

}  // namespace ziplora
