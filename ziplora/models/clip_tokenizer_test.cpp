#include "ziplora/models/clip_tokenizer.h"

#include <gtest/gtest.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

// Text of every kind is compared with transformers' ids in tests/parity/test_tokenizer.py.

namespace ziplora {
namespace {

constexpr const char* kVocabulary = R"({"a": 0, "b": 1, "a</w>": 2, "b</w>": 3, "ab</w>": 4, "ba</w>": 5,
                                        "<|startoftext|>": 6, "<|endoftext|>": 7})";

/// A tokenizer of the letters a and b, with room for three tokens between BOS and EOS.
class ClipTokenizerTest : public testing::Test {
 protected:
  ClipTokenizerTest() {
    write("vocab.json", kVocabulary);
    write("merges.txt", "#version: 0.2\na b</w>\nb a</w>\n");
    write("tokenizer_config.json", R"({"model_max_length": 5})");
  }
  void write(const char* name, const std::string& text) { write_text_file(folder_ / name, text); }
  ClipTokenizer tokenizer() const { return ClipTokenizer(folder_.path()); }

  std::string problem() const {
    try {
      tokenizer();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      EXPECT_FALSE(error.hint().empty());
      return error.problem();
    }
    return "";
  }

  TemporaryFolder folder_;
};

using Ids = std::vector<int64_t>;

TEST_F(ClipTokenizerTest, WrapsWordsInBosAndEosAndPads) {
  EXPECT_EQ(tokenizer().encode("AB  ba").ids, (Ids{6, 4, 5, 7, 7}));
  EXPECT_EQ(tokenizer().encode("").ids, (Ids{6, 7, 7, 7, 7}));
  EXPECT_EQ(tokenizer().tokenize("ab a"), (Ids{4, 2}));
}

TEST_F(ClipTokenizerTest, SaysWhatDidNotFit) {
  const TokenizedPrompt fits = tokenizer().encode("ab ab ab");
  EXPECT_EQ(fits.truncated_text, "");
  const TokenizedPrompt longer = tokenizer().encode("ab ab ab ba a");
  EXPECT_EQ(longer.ids, (Ids{6, 4, 4, 4, 7}));
  EXPECT_EQ(longer.truncated_text, "ba a");
}

TEST_F(ClipTokenizerTest, ReadsNamedTokensFromItsConfig) {
  write("tokenizer_config.json",
        R"({"model_max_length": 4, "pad_token": "a", "eos_token": {"content": "b"}})");
  EXPECT_EQ(tokenizer().encode("").ids, (Ids{6, 1, 0, 0}));
}

TEST_F(ClipTokenizerTest, ReadsTheOneFileOfTransformers5) {
  write("tokenizer.json", std::string(R"({"model": {"vocab": )") + kVocabulary +
                              R"(, "merges": [["a", "b</w>"], ["b", "a</w>"]]}})");
  std::filesystem::remove(folder_ / "vocab.json");
  EXPECT_EQ(tokenizer().tokenize("ab ba"), (Ids{4, 5}));
}

TEST_F(ClipTokenizerTest, NamesWhatIsWrongWithItsFiles) {
  write("merges.txt", "a b</w>\na b c\n");
  EXPECT_EQ(problem(), "line 2 is \"a b c\", two symbols with one blank between are expected");
  write("merges.txt", "");
  write("vocab.json", R"({"a": -1})");
  EXPECT_EQ(problem(), "the id of \"a\" is -1, a whole number is expected");
  write("vocab.json", R"({"a": 0})");
  EXPECT_EQ(problem(), "bos_token is \"<|startoftext|>\", which the vocabulary lacks");
  write("vocab.json", "[]");
  EXPECT_EQ(problem(), "a JSON object is expected");
  write("vocab.json", kVocabulary);
  write("tokenizer_config.json", R"({"model_max_length": 2})");
  EXPECT_EQ(problem(), "\"model_max_length\" is 2, room for a word between BOS and EOS is expected");
  std::filesystem::remove(folder_ / "vocab.json");
  EXPECT_EQ(problem(), "there is neither vocab.json with merges.txt nor tokenizer.json");
}

}  // namespace
}  // namespace ziplora
