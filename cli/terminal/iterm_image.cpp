#include <fmt/format.h>

#include "cli/terminal/image_protocols.h"
#include "ziplora/io/base64.h"
#include "ziplora/io/image_file.h"

namespace ziplora::cli {

std::string iterm_image(const at::Tensor& image) {
  const std::string png = png_bytes(image);
  return fmt::format("\x1b]1337;File=inline=1;size={};width={}px;height={}px:{}\a\n", png.size(),
                     image.size(2), image.size(1), base64(png));
}

}  // namespace ziplora::cli
