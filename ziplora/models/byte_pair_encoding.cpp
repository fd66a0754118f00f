#include "ziplora/models/byte_pair_encoding.h"

#include <fmt/format.h>

#include <queue>
#include <tuple>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

uint64_t pair_key(int64_t left, int64_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
}

/// GPT-2's table: printable Latin-1 bytes stand for themselves, the others for U+0100, U+0101, … in order.
std::vector<std::string> printable_bytes() {
  std::vector<std::string> symbols;
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    const int code_point = printable ? byte : next++;
    if (code_point < 0x80)
      symbols.push_back({static_cast<char>(code_point)});
    else
      symbols.push_back(
          {static_cast<char>(0xC0 | code_point >> 6), static_cast<char>(0x80 | (code_point & 0x3F))});
  }
  return symbols;
}

}  // namespace

BytePairEncoding::BytePairEncoding(std::unordered_map<std::string, int64_t> vocabulary,
                                   const std::vector<Merge>& merges, int64_t unknown_id)
    : vocabulary_(std::move(vocabulary)), byte_symbol_(printable_bytes()), unknown_id_(unknown_id) {
  for (const auto& [symbol, id] : vocabulary_) symbols_[id] = symbol;
  for (int byte = 0; byte < 256; ++byte) symbol_byte_[byte_symbol_[byte]] = static_cast<char>(byte);
  const auto id_of = [&](const std::string& symbol, size_t line) {
    const auto found = vocabulary_.find(symbol);
    if (found == vocabulary_.end())
      throw Error(ErrorKind::kInput, "tokenizer",
                  fmt::format("merge {} (\"{} {}\") names \"{}\", which the vocabulary lacks", line + 1,
                              merges[line].first, merges[line].second, symbol),
                  "take vocab.json and merges.txt from the same model");
    return found->second;
  };
  for (size_t i = 0; i < merges.size(); ++i) {
    const auto& [left, right] = merges[i];
    const uint64_t key = pair_key(id_of(left, i), id_of(right, i));
    merges_[key] = {static_cast<int64_t>(i), id_of(left + right, i)};
  }
}

int64_t BytePairEncoding::symbol_id(const std::string& symbol) const {
  const auto found = vocabulary_.find(symbol);
  return found == vocabulary_.end() ? unknown_id_ : found->second;
}

void BytePairEncoding::append(std::string_view word, std::vector<int64_t>& ids) const {
  struct Symbol {
    int64_t id;
    int previous, next;  ///< index, or −1
    bool merged_away = false;
  };
  // Each byte is one printable symbol at first, so the word's last byte carries the suffix.
  std::vector<Symbol> symbols;
  const int size = static_cast<int>(word.size());
  for (int i = 0; i < size; ++i) {
    std::string symbol = byte_symbol_[static_cast<unsigned char>(word[i])];
    if (i + 1 == size) symbol += kEndOfWord;
    symbols.push_back({symbol_id(symbol), i - 1, i + 1 < size ? i + 1 : -1});
  }

  // (rank, left position, merged id), lowest first. An entry goes stale when a neighbour is merged; then its
  // pair no longer gives the id that it holds.
  using Candidate = std::tuple<int64_t, int, int64_t>;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto merge_at = [&](int left) -> const MergeResult* {
    if (left < 0 || symbols[left].next < 0) return nullptr;
    const auto found = merges_.find(pair_key(symbols[left].id, symbols[symbols[left].next].id));
    return found == merges_.end() ? nullptr : &found->second;
  };
  const auto propose = [&](int left) {
    if (const MergeResult* merge = merge_at(left)) queue.emplace(merge->rank, left, merge->id);
  };
  for (int i = 0; i < size; ++i) propose(i);
  while (!queue.empty()) {
    const auto [rank, left, id] = queue.top();
    queue.pop();
    const MergeResult* merge = symbols[left].merged_away ? nullptr : merge_at(left);
    if (!merge || merge->rank != rank) continue;
    const int right = symbols[left].next;
    symbols[right].merged_away = true;
    symbols[left].id = id;
    symbols[left].next = symbols[right].next;
    if (symbols[left].next >= 0) symbols[symbols[left].next].previous = left;
    propose(symbols[left].previous);
    propose(left);
  }
  for (const Symbol& symbol : symbols) {
    if (!symbol.merged_away) ids.push_back(symbol.id);
  }
}

std::string BytePairEncoding::decode(const std::vector<int64_t>& ids) const {
  std::string text;
  for (int64_t id : ids) {
    const auto found = symbols_.find(id);
    if (found == symbols_.end()) continue;
    std::string_view symbol = found->second;
    const bool ends_word = symbol.ends_with(kEndOfWord);
    if (ends_word) symbol.remove_suffix(kEndOfWord.size());
    while (!symbol.empty()) {  // a byte's symbol is one or two bytes of UTF-8
      const size_t length =
          std::min<size_t>(static_cast<unsigned char>(symbol[0]) < 0x80 ? 1 : 2, symbol.size());
      const auto byte = symbol_byte_.find(std::string(symbol.substr(0, length)));
      if (byte != symbol_byte_.end()) text += byte->second;
      symbol.remove_prefix(length);
    }
    if (ends_word) text += ' ';
  }
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace ziplora
