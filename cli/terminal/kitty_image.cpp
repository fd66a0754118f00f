#include <algorithm>

#include "cli/terminal/image_protocols.h"
#include "ziplora/io/base64.h"
#include "ziplora/io/image_file.h"

namespace ziplora::cli {

std::string kitty_image(const at::Tensor& image) {
  constexpr size_t kChunk = 4096;  // a multiple of 4, as all chunks but the last must be
  const std::string data = base64(png_bytes(image));
  std::string text;
  for (size_t begin = 0; begin < data.size(); begin += kChunk) {
    const bool has_more = begin + kChunk < data.size();
    text += "\x1b_G";
    if (begin == 0) text += "a=T,f=100,q=2,";  // draw it, it is a PNG, answer nothing
    text += std::string("m=") + (has_more ? "1" : "0") + ";" + data.substr(begin, kChunk) + "\x1b\\";
  }
  return text + "\n";
}

}  // namespace ziplora::cli
