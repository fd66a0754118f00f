#include "cli/terminal/image_protocols.h"

#include <gtest/gtest.h>

#include "cli/terminal/terminal_query.h"

namespace ziplora::cli {
namespace {

std::string name_of(const TerminalTraits& traits) {
  const ImageProtocol* const protocol = protocol_of(traits);
  return protocol ? protocol->name : "none";
}

TEST(ImageProtocols, AreChosenByWhatTheTerminalSaysOfItself) {
  EXPECT_EQ(name_of({.term = "xterm-256color"}), "none");
  EXPECT_EQ(name_of({.term = "xterm-kitty"}), "kitty");
  EXPECT_EQ(name_of({.term = "xterm-256color", .has_kitty_window = true}), "kitty");
  EXPECT_EQ(name_of({.program = "ghostty"}), "kitty");
  EXPECT_EQ(name_of({.program = "iTerm.app"}), "iterm2");
  EXPECT_EQ(name_of({.program = "WezTerm"}), "iterm2");
  EXPECT_EQ(name_of({.term = "xterm-256color", .lc_terminal = "iTerm2"}), "iterm2");
  EXPECT_EQ(name_of({.term = "foot", .says_sixel = [] { return true; }}), "sixel");
}

TEST(ImageProtocols, InsideAMultiplexerOnlyItsOwnAnswerCounts) {
  TerminalTraits traits{
      .term = "xterm-kitty", .lc_terminal = "iTerm2", .has_kitty_window = true, .is_multiplexer = true};
  EXPECT_EQ(name_of(traits), "none");
  traits.says_sixel = [] { return true; };
  EXPECT_EQ(name_of(traits), "sixel");
}

TEST(TerminalQuery, SixelIsTheNumberFourAfterTheClass) {
  EXPECT_TRUE(names_sixel("\x1b[?62;4;22c"));
  EXPECT_TRUE(names_sixel("\x1b[?62;22;4c"));
  for (const char* answer : {"", "c", "\x1b[?4c", "\x1b[?62;22c", "\x1b[?62;42;14c", "\x1b[?62;4", "62;4c"})
    EXPECT_FALSE(names_sixel(answer)) << answer;
}

}  // namespace
}  // namespace ziplora::cli
