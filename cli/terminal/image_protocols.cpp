#include "cli/terminal/image_protocols.h"

#include <algorithm>

namespace ziplora::cli {
namespace {

bool understands_kitty(const TerminalTraits& traits) {
  return !traits.is_multiplexer && (traits.has_kitty_window || traits.term == "xterm-kitty" ||
                                    traits.term == "xterm-ghostty" || traits.program == "ghostty");
}

bool understands_iterm(const TerminalTraits& traits) {
  return !traits.is_multiplexer &&
         (traits.program == "iTerm.app" || traits.program == "WezTerm" || traits.lc_terminal == "iTerm2");
}

bool understands_sixel(const TerminalTraits& traits) { return traits.says_sixel(); }

}  // namespace

const std::vector<ImageProtocol>& image_protocols() {
  static const std::vector<ImageProtocol> table = {
      {"kitty", understands_kitty, kitty_image},
      {"iterm2", understands_iterm, iterm_image},
      {"sixel", understands_sixel, sixel_image},
  };
  return table;
}

const ImageProtocol* protocol_of(const TerminalTraits& traits) {
  const auto& table = image_protocols();
  const auto found = std::ranges::find_if(
      table, [&](const ImageProtocol& protocol) { return protocol.is_understood(traits); });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace ziplora::cli
