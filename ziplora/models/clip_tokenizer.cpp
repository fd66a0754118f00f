#include "ziplora/models/clip_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "ziplora/base/error.h"
#include "ziplora/models/byte_pair_encoding.h"
#include "ziplora/models/clip_text_split.h"

namespace ziplora {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int64_t kDefaultMaxLength = 77;
/// transformers writes 1e30 if no length was ever set; anything above this limit is not a length of CLIP.
constexpr double kLargestMaxLength = 1e6;
constexpr size_t kMaxCachedWords = 100'000;

constexpr const char* kStartOfText = "<|startoftext|>";
constexpr const char* kEndOfText = "<|endoftext|>";
/// Names in tokenizer_config.json, and the tokens that stand for them if they are absent.
constexpr std::pair<const char*, const char*> kNamedTokens[] = {{"bos_token", kStartOfText},
                                                                {"eos_token", kEndOfText},
                                                                {"unk_token", kEndOfText},
                                                                {"pad_token", kEndOfText}};

/// A token that is cut out before the text is split into words, whatever its surroundings.
struct AddedToken {
  std::string content;
  int64_t id;
};

[[noreturn]] void malformed(const fs::path& path, const std::string& problem) {
  throw Error(ErrorKind::kInput, fmt::format("tokenizer {}", path.string()), problem,
              "take the tokenizer folder again from where the model came from");
}

json read_json(const fs::path& path) {
  std::ifstream file(path);
  if (!file) malformed(path, "the file cannot be read");
  try {
    json value = json::parse(file);
    if (!value.is_object()) malformed(path, "a JSON object is expected");
    return value;
  } catch (const json::exception& error) {
    malformed(path, error.what());
  }
}

json read_json_if_there(const fs::path& path) { return fs::exists(path) ? read_json(path) : json::object(); }

std::unordered_map<std::string, int64_t> read_vocabulary(const json& vocabulary, const fs::path& path) {
  std::unordered_map<std::string, int64_t> result;
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX)
      malformed(path, fmt::format("the id of \"{}\" is {}, a whole number is expected", token, id.dump()));
    result[token] = id.get<int64_t>();
  }
  if (result.empty()) malformed(path, "the vocabulary is empty");
  return result;
}

BytePairEncoding::Merge read_merge(const std::string& line, const fs::path& path, size_t number) {
  const size_t blank = line.find(' ');
  if (blank == std::string::npos || blank == 0 || blank + 1 == line.size() ||
      line.find(' ', blank + 1) != std::string::npos)
    malformed(path, fmt::format("line {} is \"{}\", two symbols with one blank between are expected", number,
                                line));
  return {line.substr(0, blank), line.substr(blank + 1)};
}

std::vector<BytePairEncoding::Merge> read_merges_file(const fs::path& path) {
  std::ifstream file(path);
  if (!file) malformed(path, "the file cannot be read");
  std::vector<BytePairEncoding::Merge> merges;
  std::string line;
  for (size_t number = 1; std::getline(file, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line.starts_with("#version")) continue;
    merges.push_back(read_merge(line, path, number));
  }
  return merges;
}

std::vector<BytePairEncoding::Merge> read_merges(const json& merges, const fs::path& path) {
  std::vector<BytePairEncoding::Merge> result;
  for (const json& merge : merges) {  // "a b" in older files, ["a", "b"] in newer ones
    if (merge.is_string())
      result.push_back(read_merge(merge.get<std::string>(), path, result.size() + 1));
    else
      result.push_back(merge.get<BytePairEncoding::Merge>());
  }
  return result;
}

/// What the folder's files say, whichever of the two layouts it has.
struct TokenizerFiles {
  explicit TokenizerFiles(const fs::path& folder)
      : folder(folder),
        config(read_json_if_there(folder / "tokenizer_config.json")),
        special_tokens_map(read_json_if_there(folder / "special_tokens_map.json")) {
    const fs::path whole = folder / "tokenizer.json";
    const fs::path vocab = folder / "vocab.json";
    if (fs::exists(whole)) {  // transformers 5 writes only this one
      const json tokenizer = read_json(whole);
      try {
        vocabulary = read_vocabulary(tokenizer.at("model").at("vocab"), whole);
        merges = read_merges(tokenizer.at("model").at("merges"), whole);
        added_tokens = tokenizer.value("added_tokens", json::array());
      } catch (const json::exception& error) {
        malformed(whole, error.what());
      }
    } else if (fs::exists(vocab)) {
      vocabulary = read_vocabulary(read_json(vocab), vocab);
      merges = read_merges_file(folder / "merges.txt");
      const json decoder = config.value("added_tokens_decoder", json::object());  // outlives its items()
      for (const auto& [id, token] : decoder.items()) {
        if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string::npos)
          malformed(folder / "tokenizer_config.json",
                    fmt::format("\"added_tokens_decoder\" has the id \"{}\"", id));
        added_tokens.push_back(token);
        added_tokens.back()["id"] = std::stoll(id);
      }
    } else {
      throw Error(ErrorKind::kInput, fmt::format("tokenizer {}", folder.string()),
                  "there is neither vocab.json with merges.txt nor tokenizer.json",
                  "check the path: a tokenizer folder of a diffusers model is expected");
    }
  }

  /// The token of a name ("pad_token") as an object, also where the file has a string.
  json named_token(const char* name, const char* absent) const {
    for (const json& source : {config, special_tokens_map}) {
      const auto found = source.find(name);
      if (found == source.end() || found->is_null()) continue;
      if (found->is_string()) return {{"content", *found}};
      if (found->is_object() && found->contains("content") && found->at("content").is_string()) return *found;
      malformed(folder / "tokenizer_config.json", fmt::format("\"{}\" is {}", name, found->dump()));
    }
    return {{"content", absent}};
  }

  int64_t named_token_id(const char* name, const char* absent) const {
    const std::string content = named_token(name, absent).at("content");
    if (const auto found = vocabulary.find(content); found != vocabulary.end()) return found->second;
    for (const json& token : added_tokens) {
      if (token.value("content", "") == content) return token.at("id");
    }
    malformed(folder, fmt::format("{} is \"{}\", which the vocabulary lacks", name, content));
  }

  int64_t max_length() const {
    const auto found = config.find("model_max_length");
    if (found == config.end() || !found->is_number() || found->get<double>() > kLargestMaxLength)
      return kDefaultMaxLength;
    if (found->get<int64_t>() < 3)
      malformed(folder / "tokenizer_config.json",
                fmt::format("\"model_max_length\" is {}, room for a word between BOS and EOS is expected",
                            found->dump()));
    return found->get<int64_t>();
  }

  fs::path folder;
  json config, special_tokens_map, added_tokens = json::array();
  std::unordered_map<std::string, int64_t> vocabulary;
  std::vector<BytePairEncoding::Merge> merges;
};

/// Calls `token` for each token in the text and `text` for what lies between them. The leftmost token comes
/// first; of those that begin at the same place, the longest counts.
template <class Text, class Token>
void cut_out(std::string_view whole, const std::vector<AddedToken>& tokens, Text text, Token token) {
  size_t begin = 0;
  while (begin < whole.size()) {
    size_t first = std::string_view::npos;
    const AddedToken* found = nullptr;
    for (const AddedToken& candidate : tokens) {
      const size_t at = whole.find(candidate.content, begin);
      if (at == std::string_view::npos) continue;
      if (!found || at < first || (at == first && candidate.content.size() > found->content.size())) {
        first = at;
        found = &candidate;
      }
    }
    if (first != begin) text(whole.substr(begin, first - begin));
    if (!found) return;
    token(*found);
    begin = first + found->content.size();
  }
}

}  // namespace

struct ClipTokenizer::State {
  explicit State(const TokenizerFiles& files)
      : max_length(files.max_length()),
        bos(files.named_token_id("bos_token", kStartOfText)),
        eos(files.named_token_id("eos_token", kEndOfText)),
        pad(files.named_token_id("pad_token", kEndOfText)),
        bpe(files.vocabulary, files.merges, files.named_token_id("unk_token", kEndOfText)) {
    // The list of added tokens decides whether a token is looked for before or after normalisation. For one
    // that is not in the list, the last of the differing entries that name it decides, as in transformers.
    for (const json& token : files.added_tokens) add(token, files);
    std::vector<json> named;
    for (const auto& [name, absent] : kNamedTokens) {
      json token = files.named_token(name, absent);
      token["id"] = files.named_token_id(name, absent);
      if (std::find(named.begin(), named.end(), token) == named.end()) named.push_back(token);
    }
    for (auto token = named.rbegin(); token != named.rend(); ++token) add(*token, files);
  }

  void add(const json& token, const TokenizerFiles& files) {
    const std::string content = token.value("content", "");
    if (content.empty() || !known.insert(content).second) return;
    for (const char* property : {"lstrip", "rstrip", "single_word"}) {
      if (token.value(property, false))
        throw Error(ErrorKind::kIncompatible, fmt::format("tokenizer {}", files.folder.string()),
                    fmt::format("the token \"{}\" has the property \"{}\", which is not supported", content,
                                property),
                    "use a tokenizer of CLIP, as SDXL's own is");
    }
    if (token.value("normalized", false))
      normalized_tokens.push_back({normalize_for_clip(content), token.at("id")});
    else
      verbatim_tokens.push_back({content, token.at("id")});
  }

  void append_word(const std::string& word, std::vector<int64_t>& ids) const {
    const std::scoped_lock lock(cache_mutex);
    auto found = cache.find(word);
    if (found == cache.end()) {
      if (cache.size() >= kMaxCachedWords) cache.clear();
      found = cache.emplace(word, std::vector<int64_t>()).first;
      bpe.append(word, found->second);
    }
    ids.insert(ids.end(), found->second.begin(), found->second.end());
  }

  std::vector<int64_t> tokenize(const std::string& text) const {
    std::vector<int64_t> ids;
    const auto push_id = [&](const AddedToken& token) { ids.push_back(token.id); };
    const auto push_words = [&](std::string_view piece) {
      for (const std::string& word : split_words(piece)) append_word(word, ids);
    };
    const auto push_raw = [&](std::string_view piece) {
      cut_out(normalize_for_clip(piece), normalized_tokens, push_words, push_id);
    };
    cut_out(text, verbatim_tokens, push_raw, push_id);
    return ids;
  }

  /// The text of ids[first…]. A character of several bytes may take several tokens; one that `first` cuts
  /// through comes back whole, so that the text is valid UTF-8.
  std::string decode_from_character(const std::vector<int64_t>& ids, size_t first) const {
    const auto begins_inside = [](const std::string& text) {
      return !text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0) == 0x80;
    };
    std::string text = bpe.decode({ids.begin() + first, ids.end()});
    while (first > 0 && begins_inside(text)) text = bpe.decode({ids.begin() + --first, ids.end()});
    return text;
  }

  int64_t max_length, bos, eos, pad;
  BytePairEncoding bpe;
  std::vector<AddedToken> verbatim_tokens, normalized_tokens;
  std::set<std::string> known;
  mutable std::mutex cache_mutex;
  mutable std::unordered_map<std::string, std::vector<int64_t>> cache;
};

ClipTokenizer::ClipTokenizer(const fs::path& folder)
    : state_(std::make_unique<State>(TokenizerFiles(folder))) {}
ClipTokenizer::~ClipTokenizer() = default;
ClipTokenizer::ClipTokenizer(ClipTokenizer&&) noexcept = default;

std::vector<int64_t> ClipTokenizer::tokenize(const std::string& text) const { return state_->tokenize(text); }

TokenizedPrompt ClipTokenizer::encode(const std::string& text) const {
  const std::vector<int64_t> words = tokenize(text);
  const size_t length = static_cast<size_t>(max_length());
  const size_t kept = std::min(words.size(), length - 2);
  TokenizedPrompt prompt;
  prompt.ids.reserve(length);
  prompt.ids.push_back(bos_token_id());
  prompt.ids.insert(prompt.ids.end(), words.begin(), words.begin() + kept);
  prompt.ids.push_back(eos_token_id());
  prompt.ids.resize(length, pad_token_id());
  prompt.truncated_text = state_->decode_from_character(words, kept);
  return prompt;
}

int64_t ClipTokenizer::max_length() const { return state_->max_length; }
int64_t ClipTokenizer::bos_token_id() const { return state_->bos; }
int64_t ClipTokenizer::eos_token_id() const { return state_->eos; }
int64_t ClipTokenizer::pad_token_id() const { return state_->pad; }
int64_t ClipTokenizer::vocab_size() const { return static_cast<int64_t>(state_->bpe.vocabulary().size()); }

}  // namespace ziplora
