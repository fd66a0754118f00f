#include "ziplora/base/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "ziplora/base/utf8.h"

namespace ziplora {
namespace {

constexpr size_t kWordLimitBytes = 400;  // the longest real layer names take 150
constexpr size_t kKeptBytes = 150;       // of either end of a longer word

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
