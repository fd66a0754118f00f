#include "ziplora/models/byte_pair_encoding.h"

#include <gtest/gtest.h>

#include "ziplora/base/error.h"

// Whole vocabularies are compared with transformers' ids in tests/parity/test_tokenizer.py.

namespace ziplora {
namespace {

constexpr int64_t kUnknown = 99;

BytePairEncoding tiny() {
  return BytePairEncoding({{"a", 0},
                           {"b", 1},
                           {"c", 2},
                           {"a</w>", 3},
                           {"b</w>", 4},
                           {"c</w>", 5},
                           {"ab", 6},
                           {"bc</w>", 7},
                           {"abc</w>", 8},
                           {"aa", 9},
                           {"Ã", 10},       // the symbol of byte C3, the first of ü
                           {"¼</w>", 11}},  // and of byte BC, the second
                          {{"b", "c</w>"}, {"a", "b"}, {"a", "bc</w>"}, {"a", "a"}}, kUnknown);
}

std::vector<int64_t> ids_of(std::string_view word) {
  std::vector<int64_t> ids;
  tiny().append(word, ids);
  return ids;
}

using Ids = std::vector<int64_t>;

TEST(BytePairEncoding, TheLastByteCarriesTheEndOfTheWord) {
  EXPECT_EQ(ids_of("a"), Ids{3});
  EXPECT_EQ(ids_of("ca"), (Ids{2, 3}));
}

TEST(BytePairEncoding, ThePairOfLowestRankIsMergedFirst) {
  EXPECT_EQ(ids_of("abc"), Ids{8});           // b c</w> before a b, else ab c</w> would be left
  EXPECT_EQ(ids_of("abb"), (Ids{6, 4}));      // a b alone
  EXPECT_EQ(ids_of("abab"), (Ids{6, 0, 4}));  // b</w> is not b
}

TEST(BytePairEncoding, OfEqualPairsTheLeftmostIsMerged) { EXPECT_EQ(ids_of("aaaa"), (Ids{9, 0, 3})); }

TEST(BytePairEncoding, ASymbolOutsideTheVocabularyIsTheUnknownToken) {
  EXPECT_EQ(ids_of("axb"), (Ids{0, kUnknown, 4}));
}

TEST(BytePairEncoding, DecodesToBytesWithASpaceBetweenWords) {
  EXPECT_EQ(tiny().decode({8, 6, 4}), "abc abb");
  EXPECT_EQ(ids_of("ü"), (Ids{10, 11}));
  EXPECT_EQ(tiny().decode({10, 11}), "ü");
  EXPECT_EQ(tiny().decode({8, 1234}), "abc");  // an id without a symbol says nothing
}

TEST(BytePairEncoding, AMergeMustNameSymbolsOfTheVocabulary) {
  try {
    BytePairEncoding({{"a", 0}, {"b", 1}}, {{"a", "b"}}, 0);
    FAIL() << "ab has no id";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_EQ(error.problem(), R"(merge 1 ("a b") names "ab", which the vocabulary lacks)");
  }
}

}  // namespace
}  // namespace ziplora
