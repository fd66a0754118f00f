#include "ziplora/base/printable.h"

#include <cstdio>

namespace ziplora {
namespace {

constexpr size_t kWordLimitBytes = 400;  // the longest real layer names take 150
constexpr size_t kKeptBytes = 150;       // of either end of a longer word

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Replaces the middle of a word that is too long to read with its length.
std::string shortened(const std::string& word) {
  if (word.size() <= kWordLimitBytes) return word;
  size_t head = kKeptBytes, tail = word.size() - kKeptBytes;
  while (head > 0 && continues_character(word[head])) --head;
  while (tail < word.size() && continues_character(word[tail])) ++tail;
  return word.substr(0, head) + "…(" + std::to_string(word.size()) + " bytes)…" + word.substr(tail);
}

}  // namespace

std::string printable(const std::string& text) {
  std::string shown, word;
  for (const char c : text) {
    if (c == ' ' || c == '\n') {
      shown += shortened(word) + c;
      word.clear();
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned char>(c));
      word += escape;
    } else {
      word += c;
    }
  }
  return shown + shortened(word);
}

}  // namespace ziplora
