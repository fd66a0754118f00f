// Reads bytes as an image of each format. What is accepted has pixels, an orientation that exists, and text that can be
// written again.
#include <ATen/core/Tensor.h>

#include "fuzz_target.h"
#include "ziplora/base/error.h"
#include "ziplora/io/image_formats.h"

namespace ziplora {
namespace {

/// The errors of an image that cannot be read; anything else is ours.
template <typename Read>
void refused_at_most(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    require(error.kind() == ErrorKind::kInput && !error.hint().empty(), "an error of the wrong kind");
  }
}

void check(const DecodedImage& image) {
  const at::Tensor& pixels = image.pixels;
  require(pixels.dim() == 3 && pixels.scalar_type() == at::kByte, "pixels of another type");
  require(pixels.size(0) > 0 && pixels.size(1) > 0, "an image without pixels");
  require(pixels.size(2) == 3 || pixels.size(2) == 4, "neither RGB nor RGBA");
  require(image.orientation >= 1 && image.orientation <= 8, "an orientation that does not exist");
}

/// Nothing if the build left the decoder out.
void check_decoder_of(const char* name_of_file, std::string_view bytes) {
  const auto decode = image_format_named_by(name_of_file)->decode;
  if (decode != nullptr) refused_at_most([&] { check(decode(bytes, "fuzz")); });
}

}  // namespace

void fuzz_image_png(std::string_view bytes) {
  refused_at_most([&] { check(decode_png(bytes, "fuzz")); });
  refused_at_most([&] { decode_png_text(bytes, "fuzz"); });
}

void fuzz_image_jpeg(std::string_view bytes) { check_decoder_of("a.jpg", bytes); }

void fuzz_image_webp(std::string_view bytes) { check_decoder_of("a.webp", bytes); }

void fuzz_image_gif(std::string_view bytes) { check_decoder_of("a.gif", bytes); }

void fuzz_image_bmp(std::string_view bytes) {
  refused_at_most([&] { check(decode_bmp(bytes, "fuzz")); });
}

void fuzz_image_tiff(std::string_view bytes) { check_decoder_of("a.tiff", bytes); }

void fuzz_image_heif(std::string_view bytes) { check_decoder_of("a.heic", bytes); }

}  // namespace ziplora
