#include "mini/pretrain/unet_training.h"

#include <gtest/gtest.h>

#include <regex>

namespace ziplora::mini {
namespace {

TEST(NonsenseWord, StandsWhereTriggerTokensWillOrAnywhere) {
  constexpr int kCaptions = 300;
  const std::regex for_the_subject("a [a-z]{3,4} animal in twemoji style"),
      for_the_style("an animal in twemoji style, in [a-z]{3,4} style"),
      anywhere("([a-z]+ ){2,3}in ([a-z]+ ){1,2}style|an animal in twemoji [a-z]{3,4} style");
  int subjects = 0, styles = 0;
  for (uint64_t seed = 0; seed < kCaptions; ++seed) {
    const std::string caption = with_nonsense_word("an animal in twemoji style", seed);
    const bool subject = std::regex_match(caption, for_the_subject);
    const bool style = std::regex_match(caption, for_the_style);
    EXPECT_TRUE(subject || style || std::regex_match(caption, anywhere)) << caption;
    subjects += subject, styles += style;
  }
  // A third each, 300 draws: a standard deviation is 8.
  EXPECT_NEAR(subjects, kCaptions / 3, 30);
  EXPECT_NEAR(styles, kCaptions / 3, 30);
}

}  // namespace
}  // namespace ziplora::mini
