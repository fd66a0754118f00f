#include "cli/terminal/show_images.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "cli/frame/printing.h"
#include "cli/terminal/image_protocols.h"
#include "cli/terminal/terminal_query.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/image_resize.h"

namespace ziplora::cli {
namespace {

/// A smaller image is made larger to about this side: the miniature's have 64 pixels.
constexpr int64_t kSmall = 256;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

TerminalTraits traits_at_hand() {
  const std::string term = variable("TERM");
  return {.term = term,
          .program = variable("TERM_PROGRAM"),
          .lc_terminal = variable("LC_TERMINAL"),
          .has_kitty_window = !variable("KITTY_WINDOW_ID").empty(),
          .is_multiplexer = !variable("TMUX").empty() || !variable("STY").empty() ||
                            term.starts_with("tmux") || term.starts_with("screen"),
          .says_sixel = terminal_says_sixel};
}

at::Tensor fitted(const at::Tensor& image, const WindowSize& window) {
  const int64_t height = image.size(1), width = image.size(2);
  const int64_t most_height = std::max<int64_t>(1, window.height * 4 / 5);  // the command stays in sight
  const int64_t room = std::min(window.width / width, most_height / height);
  const int64_t factor = std::min(room, kSmall / std::max(height, width));
  if (factor > 1) return image.repeat_interleave(factor, 1).repeat_interleave(factor, 2);
  if (room >= 1) return image;
  const double scale = std::min(static_cast<double>(window.width) / static_cast<double>(width),
                                static_cast<double>(most_height) / static_cast<double>(height));
  const auto scaled = [scale](int64_t side) {
    return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(side) * scale));
  };
  return resize_image(image, scaled(height), scaled(width));
}

}  // namespace

void show_images(const std::vector<std::filesystem::path>& files) {
  if (::isatty(STDOUT_FILENO) == 0) return;
  const ImageProtocol* const protocol = protocol_of(traits_at_hand());
  if (!protocol)
    return print_err({"This terminal draws no images: Kitty, iTerm2, WezTerm and those with Sixel do.\n"});
  const WindowSize window = window_size();
  for (const std::filesystem::path& file : files)
    print_out_image(protocol->encode(fitted(read_image(file), window)));
}

}  // namespace ziplora::cli
