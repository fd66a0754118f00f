#pragma once
/// Learns a CLIP byte-pair vocabulary from captions and writes the tokenizer folder that transformers opens.
/// (Sennrich et al., arXiv 1508.07909; bytes and `</w>` as in OpenAI CLIP's simple_tokenizer.)
///
///     Vocabulary vocabulary = train_vocabulary(captions, 4096);
///     vocabulary.write(folder / "tokenizer", 32);
///
/// It contains every byte, so any text can be written; words that are in no caption become several tokens.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace ziplora::mini {

struct Vocabulary {
  std::vector<std::pair<std::string, std::string>> merges;  ///< in order of learning, in CLIP's byte alphabet
  std::vector<std::string> tokens;                          ///< by id: bytes, bytes</w>, merges, BOS, EOS

  int64_t size() const { return static_cast<int64_t>(tokens.size()); }
  int64_t bos_token_id() const { return size() - 2; }
  int64_t eos_token_id() const { return size() - 1; }
  /// vocab.json, merges.txt, tokenizer_config.json and special_tokens_map.json.
  void write(const std::filesystem::path& folder, int64_t max_length) const;
};

/// @param captions    lower-case ASCII sentences
/// @param max_merges  stops earlier if every word of the captions is one token
Vocabulary train_vocabulary(const std::vector<std::string>& captions, int64_t max_merges);

}  // namespace ziplora::mini
