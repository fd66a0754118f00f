#include "ziplora/base/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace ziplora {
namespace {

constexpr size_t kWordLimitBytes = 400;  // the longest real layer names take 150
constexpr size_t kKeptBytes = 150;       // of either end of a longer word

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

struct Character {
  uint32_t code;
  size_t size_bytes;
};

/// The character that `text` begins with; size 0 if these bytes are not UTF-8.
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {lead, 0};
  uint32_t code = lead & (0x7FU >> size);
  for (size_t i = 1; i < size; ++i) {
    if (!continues_character(text[i])) return {lead, 0};
    code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[size] || surrogate || code > 0x10FFFF) return {lead, 0};
  return {code, size};
}

bool is_control(uint32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm, which make text read as another,
/// and separators, which begin a new line.
bool rearranges(uint32_t code) {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

/// Replaces the middle of a word that is too long to read with its length.
std::string shortened(std::string_view word) {
  if (word.size() <= kWordLimitBytes) return std::string(word);
  size_t head = kKeptBytes, tail = word.size() - kKeptBytes;
  while (head > 0 && continues_character(word[head])) --head;
  while (tail < word.size() && continues_character(word[tail])) ++tail;
  return std::string(word.substr(0, head)) + "…(" + std::to_string(word.size()) + " bytes)…" +
         std::string(word.substr(tail));
}

}  // namespace

std::string visible(std::string_view text) {
  std::string shown;
  for (size_t i = 0; i < text.size();) {
    const auto [code, size] = first_character(text.substr(i));
    if (size == 0)
      shown += "\uFFFD";
    else if (is_control(code) && code != '\n')
      shown += fmt::format("\\x{:02x}", code);
    else if (rearranges(code))
      shown += fmt::format("\\u{:04x}", code);
    else
      shown += text.substr(i, size);
    i += size == 0 ? 1 : size;
  }
  return shown;
}

std::string printable(std::string_view text) {
  const std::string whole = visible(text);
  std::string shown;
  for (size_t begin = 0; begin < whole.size();) {
    const size_t end = std::min(whole.find_first_of(" \n", begin), whole.size());
    shown += shortened(std::string_view(whole).substr(begin, end - begin));
    if (end < whole.size()) shown += whole[end];
    begin = end + 1;
  }
  return shown;
}

std::string visible_json(std::string_view json) {
  std::string shown;
  for (size_t i = 0; i < json.size();) {
    const auto [code, size] = first_character(json.substr(i));
    // Below DEL, JSON itself escapes what is inside strings; what is outside is its layout.
    if (code >= 0x7F && (is_control(code) || rearranges(code)))
      shown += fmt::format("\\u{:04x}", code);
    else
      shown += json.substr(i, size == 0 ? 1 : size);
    i += size == 0 ? 1 : size;
  }
  return shown;
}

}  // namespace ziplora
