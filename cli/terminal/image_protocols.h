#pragma once
/// The ways in which terminals take images, and which of them the one at hand understands. To add one: a file with its
/// encoder, and a line in image_protocols.cpp, where the first that fits is taken.
///
///     if (const ImageProtocol* protocol = protocol_of(traits)) print_out_image(protocol->encode(image));

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

namespace ziplora::cli {

/// What the environment and the terminal itself say.
struct TerminalTraits {
  std::string term = {};          ///< TERM
  std::string program = {};       ///< TERM_PROGRAM
  std::string lc_terminal = {};   ///< LC_TERMINAL, which ssh carries to the other machine
  bool has_kitty_window = false;  ///< KITTY_WINDOW_ID
  /// tmux or screen: they inherit the variables of the terminal that they were started in and pass its sequences to no
  /// other, so that only their own answer counts.
  bool is_multiplexer = false;
  /// Whether the terminal answers that it draws Sixel. Asked last: it may take a moment.
  std::function<bool()> says_sixel = [] { return false; };
};

struct ImageProtocol {
  const char* name;
  bool (*is_understood)(const TerminalTraits& traits);
  /// @param image  [3, H, W] float32 in 0…1
  /// @return       what the terminal draws where its cursor is
  std::string (*encode)(const at::Tensor& image);
};

const std::vector<ImageProtocol>& image_protocols();

/// @return nullptr if the terminal understands none
const ImageProtocol* protocol_of(const TerminalTraits& traits);

/// Kitty's graphics protocol (sw.kovidgoyal.net/kitty/graphics-protocol): a PNG in base64, in chunks of at most 4096
/// bytes. The terminal is told to answer nothing.
std::string kitty_image(const at::Tensor& image);

/// iTerm2's inline images (iterm2.com/documentation-images.html): a PNG in base64, in one piece.
std::string iterm_image(const at::Tensor& image);

/// Sixel (DEC's VT340 manual, chapter 14) with 252 fixed colours and Floyd and Steinberg's error diffusion.
std::string sixel_image(const at::Tensor& image);

}  // namespace ziplora::cli
