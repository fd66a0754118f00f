#pragma once
/// CLIP's byte-pair tokenizer, read from a model's tokenizer folder. Its ids equal those of transformers'
/// CLIPTokenizer on any Unicode text; proven on 2,000 hostile strings by tests/parity/test_tokenizer.py.
///
///     ClipTokenizer tokenizer(folder / "tokenizer");
///     TokenizedPrompt ids = tokenizer.encode("a sks dog");   // BOS … EOS, padded to 77

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace ziplora {

struct TokenizedPrompt {
  std::vector<int64_t> ids;    ///< exactly `max_length`
  std::string truncated_text;  ///< what did not fit; empty if everything did
};

class ClipTokenizer {
 public:
  /// Reads the vocabulary from vocab.json and merges.txt, or from the one tokenizer.json that transformers 5
  /// writes; the named tokens and the length from tokenizer_config.json and special_tokens_map.json.
  /// @throws Error(kInput) naming the file that is missing or malformed
  explicit ClipTokenizer(const std::filesystem::path& folder);
  ~ClipTokenizer();
  ClipTokenizer(ClipTokenizer&&) noexcept;

  TokenizedPrompt encode(const std::string& text) const;
  /// Ids without BOS, EOS, padding or truncation.
  std::vector<int64_t> tokenize(const std::string& text) const;

  int64_t max_length() const;
  int64_t bos_token_id() const;
  int64_t eos_token_id() const;
  int64_t pad_token_id() const;
  int64_t vocab_size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ziplora
