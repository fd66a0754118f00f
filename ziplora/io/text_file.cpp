#include "ziplora/io/text_file.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/utf8.h"

namespace ziplora {
namespace {

/// @return the place of the first byte that is not UTF-8, or is a NUL, which no text holds
std::optional<size_t> first_strange_byte(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t size = first_character(text.substr(at)).size_bytes;
    if (size == 0 || text[at] == '\0') return at;
    at += size;
  }
  return std::nullopt;
}

void append_utf8(uint32_t code, std::string& text) {
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | code >> 12);
    tail(6), tail(0);
  } else {
    text += static_cast<char>(0xF0 | code >> 18);
    tail(12), tail(6), tail(0);
  }
}

/// @param bytes  after the byte order mark
/// @return nothing if they are not UTF-16
std::optional<std::string> utf8_of_utf16(std::string_view bytes, bool big_endian) {
  if (bytes.size() % 2 != 0) return std::nullopt;
  const auto unit = [&](size_t at) -> uint32_t {
    const auto first = static_cast<unsigned char>(bytes[at]),
               second = static_cast<unsigned char>(bytes[at + 1]);
    return big_endian ? first << 8 | second : second << 8 | first;
  };
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 2) {
    uint32_t code = unit(at);
    if (code >= 0xD800 && code < 0xE000) {
      if (code >= 0xDC00 || at + 2 >= bytes.size()) return std::nullopt;
      const uint32_t low = unit(at += 2);
      if (low < 0xDC00 || low >= 0xE000) return std::nullopt;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(code, text);
  }
  return text;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& problem) {
  throw Error(ErrorKind::kInput, "read " + path.string(), problem, "save it as UTF-8 in your editor");
}

}  // namespace

std::string read_text_file(const std::filesystem::path& path, uint64_t size_limit_bytes) {
  std::string bytes = read_file(path, size_limit_bytes);
  const bool little = bytes.starts_with("\xFF\xFE"), big = bytes.starts_with("\xFE\xFF");
  if (little || big) {
    std::optional<std::string> text = utf8_of_utf16(std::string_view(bytes).substr(2), big);
    if (!text) refuse(path, "the text begins as UTF-16 and is not UTF-16 throughout");
    bytes = std::move(*text);
  } else if (bytes.starts_with("\xEF\xBB\xBF")) {
    bytes.erase(0, 3);
  }
  if (const auto at = first_strange_byte(bytes))
    refuse(path, fmt::format("the text is not UTF-8: byte {} is 0x{:02X}", *at,
                             static_cast<unsigned char>(bytes[*at])));
  return bytes;
}

}  // namespace ziplora
