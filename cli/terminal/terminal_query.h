#pragma once
/// What the terminal answers to "what are you?" (DA1, `CSI c`): a list of numbers, of which 4 is Sixel.

#include <cstdint>
#include <string_view>

namespace ziplora::cli {

/// Whether an answer such as "\x1b[?62;4;22c" names Sixel.
bool names_sixel(std::string_view answer);

/// Asks the terminal that controls this process and waits for at most a second: the other end of an ssh connection may be
/// far. Asks nothing if the process is in the background, which would stop it, or if keys wait to be read, which
/// would be lost. Nothing of the answer appears on the screen.
bool terminal_says_sixel();

struct WindowSize {
  int64_t width, height;  ///< pixels; of 8 × 16 to a cell where the terminal tells cells alone
};

/// Of the terminal at stdout.
WindowSize window_size();

}  // namespace ziplora::cli
