#include "mini/pretrain/vocabulary.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "ziplora/base/atomic_file.h"

namespace ziplora::mini {
namespace {

std::string utf8(uint32_t code_point) {
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  return {static_cast<char>(0xc0 | (code_point >> 6)), static_cast<char>(0x80 | (code_point & 0x3f))};
}

/// CLIP's printable stand-in for each byte, in the order in which the bytes stand in its vocabulary.
std::vector<std::string> byte_alphabet() {
  std::vector<std::string> alphabet;
  std::vector<bool> printable(256, false);
  for (auto [first, last] : {std::pair{0x21, 0x7e}, {0xa1, 0xac}, {0xae, 0xff}})
    for (int byte = first; byte <= last; ++byte) {
      alphabet.push_back(utf8(byte));
      printable[byte] = true;
    }
  uint32_t next = 256;
  for (int byte = 0; byte < 256; ++byte)
    if (!printable[byte]) alphabet.push_back(utf8(next++));
  return alphabet;
}

using Word = std::vector<std::string>;

std::map<Word, int64_t> count_words(const std::vector<std::string>& captions) {
  std::map<std::string, int64_t> counts;
  for (const std::string& caption : captions) {
    std::string word;
    auto flush = [&] {
      if (!word.empty()) ++counts[word];
      word.clear();
    };
    for (char c : caption) {
      if (std::isalpha(static_cast<unsigned char>(c))) {
        word += c;
        continue;
      }
      flush();
      if (c != ' ') ++counts[std::string(1, c)];
    }
    flush();
  }
  std::map<Word, int64_t> words;
  for (const auto& [text, count] : counts) {
    Word word;
    for (char c : text) word.emplace_back(1, c);
    word.back() += "</w>";
    words[word] = count;
  }
  return words;
}

Word merged(const Word& word, const std::pair<std::string, std::string>& pair) {
  Word result;
  for (size_t i = 0; i < word.size(); ++i) {
    if (i + 1 < word.size() && word[i] == pair.first && word[i + 1] == pair.second) {
      result.push_back(pair.first + pair.second);
      ++i;
    } else {
      result.push_back(word[i]);
    }
  }
  return result;
}

}  // namespace

Vocabulary train_vocabulary(const std::vector<std::string>& captions, int64_t max_merges) {
  Vocabulary vocabulary;
  std::map<Word, int64_t> words = count_words(captions);
  while (static_cast<int64_t>(vocabulary.merges.size()) < max_merges) {
    std::map<std::pair<std::string, std::string>, int64_t> pairs;
    for (const auto& [word, count] : words)
      for (size_t i = 0; i + 1 < word.size(); ++i) pairs[{word[i], word[i + 1]}] += count;
    if (pairs.empty()) break;   // every word is one token
    auto best = pairs.begin();  // the first of equals, in byte order: the same vocabulary on every machine
    for (auto it = pairs.begin(); it != pairs.end(); ++it)
      if (it->second > best->second) best = it;
    vocabulary.merges.push_back(best->first);
    std::map<Word, int64_t> next;
    for (const auto& [word, count] : words) next[merged(word, best->first)] += count;
    words = std::move(next);
  }

  const std::vector<std::string> alphabet = byte_alphabet();
  vocabulary.tokens = alphabet;
  for (const std::string& byte : alphabet) vocabulary.tokens.push_back(byte + "</w>");
  std::set<std::string> known(vocabulary.tokens.begin(), vocabulary.tokens.end());
  for (const auto& [left, right] : vocabulary.merges)
    if (known.insert(left + right).second) vocabulary.tokens.push_back(left + right);
  vocabulary.tokens.push_back("<|startoftext|>");
  vocabulary.tokens.push_back("<|endoftext|>");
  return vocabulary;
}

void Vocabulary::write(const std::filesystem::path& folder, int64_t max_length) const {
  std::filesystem::create_directories(folder);
  nlohmann::ordered_json vocab;
  for (size_t id = 0; id < tokens.size(); ++id) vocab[tokens[id]] = id;
  std::string merges_text = "#version: 0.2\n";
  for (const auto& [left, right] : merges) merges_text += left + " " + right + "\n";
  const nlohmann::ordered_json special = {{"bos_token", "<|startoftext|>"},
                                          {"eos_token", "<|endoftext|>"},
                                          {"pad_token", "<|endoftext|>"},
                                          {"unk_token", "<|endoftext|>"}};
  nlohmann::ordered_json config = special;
  config["tokenizer_class"] = "CLIPTokenizer";
  config["model_max_length"] = max_length;
  config["do_lower_case"] = true;
  config["add_prefix_space"] = false;
  write_text_file(folder / "vocab.json", vocab.dump() + "\n");
  write_text_file(folder / "merges.txt", merges_text);
  write_text_file(folder / "special_tokens_map.json", special.dump(2) + "\n");
  write_text_file(folder / "tokenizer_config.json", config.dump(2) + "\n");
}

}  // namespace ziplora::mini
