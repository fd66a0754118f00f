#include "ziplora/base/error.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

std::string problem_of(const std::string& text) { return Error(ErrorKind::kInput, "here", text).problem(); }

TEST(Error, KeepsWhatPeopleCanRead) {
  const Error error(ErrorKind::kInput, "read größe.png", "a \"b\"\nc", "猫");
  EXPECT_EQ(error.where(), "read größe.png");
  EXPECT_EQ(error.problem(), "a \"b\"\nc");
  EXPECT_EQ(error.hint(), "猫");
  EXPECT_STREQ(error.what(), "read größe.png: a \"b\"\nc");
}

TEST(Error, ControlCharactersOfAFileDoNotReachTheTerminal) {
  EXPECT_EQ(problem_of("\x1b[31mred\r\x7f"), "\\x1b[31mred\\x0d\\x7f");
  EXPECT_EQ(Error(ErrorKind::kInput, "\x1b", "", "\x07").where(), "\\x1b");
  EXPECT_EQ(Error(ErrorKind::kInput, "\x1b", "", "\x07").hint(), "\\x07");
}

TEST(Error, AVeryLongNameIsCutInItsMiddle) {
  EXPECT_EQ(problem_of("the key " + std::string(400, 'k') + " is unknown").size(), 8 + 400 + 11u);
  const std::string cut = problem_of("the key " + std::string(1'000'000, 'k') + "z is unknown");
  EXPECT_LT(cut.size(), 400u);
  EXPECT_NE(cut.find("(1000001 bytes)"), std::string::npos) << cut;
  EXPECT_NE(cut.find("kz is unknown"), std::string::npos) << cut;
}

TEST(Error, IsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "ü";
  for (const char* shift : {"", "a"}) {
    const std::string cut = problem_of(shift + text);
    EXPECT_EQ(cut.find("\xBC\xE2"), cut.find("ü…") + 1) << cut;  // a whole ü before the first …
    EXPECT_NE(cut.find("…ü"), std::string::npos) << cut;
  }
}

}  // namespace
}  // namespace ziplora
