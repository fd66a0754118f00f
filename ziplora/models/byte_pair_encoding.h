#pragma once
/// Byte-level byte-pair encoding of one word, equal to the BPE model of Hugging Face tokenizers with the
/// end-of-word suffix "</w>". Bytes become printable characters, and the last one carries the suffix; then the
/// pair of lowest rank (the leftmost among equals) is merged until no pair is left. A symbol that the
/// vocabulary lacks becomes the unknown token. Splitting text into words is the business of clip_text_split.
///
///     BytePairEncoding bpe(vocabulary, merges, unknown_id);
///     bpe.append("cat", ids);

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ziplora {

inline constexpr std::string_view kEndOfWord = "</w>";

class BytePairEncoding {
 public:
  using Merge = std::pair<std::string, std::string>;

  /// @throws Error(kInput) if a merge names a symbol that the vocabulary lacks
  BytePairEncoding(std::unordered_map<std::string, int64_t> vocabulary, const std::vector<Merge>& merges,
                   int64_t unknown_id);

  /// Appends the ids of `word` (any bytes, at least one), in O(n log n) of its length.
  void append(std::string_view word, std::vector<int64_t>& ids) const;
  /// The bytes that the ids stand for, with a space for each end of word.
  std::string decode(const std::vector<int64_t>& ids) const;

  const std::unordered_map<std::string, int64_t>& vocabulary() const { return vocabulary_; }

 private:
  struct MergeResult {
    int64_t rank, id;
  };
  int64_t symbol_id(const std::string& symbol) const;

  std::unordered_map<std::string, int64_t> vocabulary_;
  std::unordered_map<int64_t, std::string> symbols_;  ///< by id
  std::unordered_map<uint64_t, MergeResult> merges_;  ///< by the two ids
  std::vector<std::string> byte_symbol_;              ///< [256], printable, UTF-8
  std::unordered_map<std::string, char> symbol_byte_;
  int64_t unknown_id_;
};

}  // namespace ziplora
