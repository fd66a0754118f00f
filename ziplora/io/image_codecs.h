#pragma once
/// One decoder per image format, bytes → pixels. Internal to io/image_file.h, which reads the file, chooses the
/// decoder by content (image_formats.h), and puts transparent pixels on white.

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// Decoders refuse larger images before they allocate memory.
inline constexpr int64_t kImageLimitPixels = 64'000'000;
/// A strip of 100,000 × 1 pixels that is to cover a square of 1024 would be resized to 300 GB. The longest
/// panoramas are 20 : 1.
inline constexpr int64_t kImageLimitAspect = 32;

struct DecodedImage {
  at::Tensor pixels;    ///< [H, W, 3] or [H, W, 4] uint8, RGB or RGBA (not premultiplied)
  int orientation = 1;  ///< EXIF, 1…8; not yet applied
};

/// @param where  for messages: operation and file
/// @throws Error(kInput) if the bytes are truncated, damaged, or more than kImageLimitPixels
DecodedImage decode_png(std::string_view bytes, const std::string& where);
DecodedImage decode_jpeg(std::string_view bytes, const std::string& where);
DecodedImage decode_webp(std::string_view bytes, const std::string& where);
/// The first frame, as a viewer shows it before anything moves.
DecodedImage decode_gif(std::string_view bytes, const std::string& where);
DecodedImage decode_bmp(std::string_view bytes, const std::string& where);
/// The first page.
DecodedImage decode_tiff(std::string_view bytes, const std::string& where);
/// HEIC and AVIF: the primary image, already turned as the file says.
DecodedImage decode_heif(std::string_view bytes, const std::string& where);

/// @return tEXt, zTXt and iTXt chunks; of a keyword given twice, the first text
StringMap decode_png_text(std::string_view bytes, const std::string& where);
/// @param pixels  [H, W, 3] uint8, contiguous
std::string encode_png(const at::Tensor& pixels, const StringMap& text, const std::string& where);

/// @param tiff  an EXIF block, starting at its "II" or "MM"
/// @return the orientation tag; 1 (upright) if the block is damaged or has none
int exif_orientation(std::string_view tiff);

/// @throws Error(kInput): the image is damaged, or of a form that cannot be read
[[noreturn]] void refuse_image(const std::string& where, const std::string& problem);

/// @throws Error(kInput) if a side is 0 or there are more than kImageLimitPixels
void check_pixel_count(int64_t width, int64_t height, const std::string& where);

/// As check_pixel_count, for what is to be decoded: also if a side is over kImageLimitAspect times the other.
void check_image_size(int64_t width, int64_t height, const std::string& where);

}  // namespace ziplora
