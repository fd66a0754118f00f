#include "cli/frame/whole_words.h"

#include <gtest/gtest.h>

#include <vector>

namespace ziplora::cli {
namespace {

TEST(WholeWords, OnlyAWordThatEndsInABracketIsMarked) {
  EXPECT_EQ(keep_whole("a fox"), "a fox");
  EXPECT_EQ(keep_whole("[a] fox"), "[a] fox");
  EXPECT_EQ(keep_whole(""), "");
  EXPECT_FALSE(keep_whole("[a fox, in ink]").ends_with(']'));
}

TEST(WholeWords, TheMarkComesOffAgain) {
  for (const std::string word : {"[a fox, in ink]", "]", "a fox", "", "--prompt=[a, b]"})
    EXPECT_EQ(restored(keep_whole(word)), word);
}

TEST(WholeWords, CLI11LeavesAMarkedWordWhole) {
  CLI::App app;
  std::vector<std::string> prompts;
  app.add_option("prompts", prompts);
  restore_whole_words(app);
  app.parse(std::vector<std::string>{keep_whole("b"), keep_whole("[a fox, in ink]")});  // the last one first
  EXPECT_EQ(prompts, (std::vector<std::string>{"[a fox, in ink]", "b"}));
}

}  // namespace
}  // namespace ziplora::cli
