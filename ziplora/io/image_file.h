#pragma once
/// Reads and writes images. Recognises PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC and AVIF by content, not by
/// extension, and puts transparent pixels on white.
///
///     at::Tensor image = read_image("dog.jpg");          // [3, H, W] float32 in 0…1
///     write_png("dog.png", image, {{"parameters", settings}});

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ziplora/io/image_size.h"
#include "ziplora/io/safetensors.h"

namespace ziplora {

/// @return [3, H, W] float32 in 0…1, RGB; grey is repeated, 16 bits are reduced to 8, EXIF orientation applied
/// @throws Error(kInput) if the file is missing, truncated, not an image, larger than 64 megapixels, or more
///         than 32 times as long as it is narrow
at::Tensor read_image(const std::filesystem::path& path);

/// Decodes the image and lets it go, so that whoever reads many later knows now that each can be read.
/// @return its size, upright
/// @throws as read_image
ImageSize check_image(const std::filesystem::path& path);

struct ImageFileKind {
  std::string format;    ///< "PNG"; empty: no image, or a hidden file
  bool is_read = false;  ///< false beside a format: it is known, and read_image refuses it
};

/// What a file is by its first bytes; where they say nothing or cannot be read, by its extension.
ImageFileKind image_file_kind(const std::filesystem::path& path);

/// @param image  [3, H, W] float32, clamped to 0…1
/// @param text   tEXt/iTXt chunks, keyword → UTF-8 text
void write_png(const std::filesystem::path& path, const at::Tensor& image, const StringMap& text = {});

/// What write_png writes.
std::string png_bytes(const at::Tensor& image, const StringMap& text = {});

/// @return the text chunks of a PNG
StringMap read_png_text(const std::filesystem::path& path);

/// Image files of a folder (or the file itself) in name order.
/// @param is_no_image  names files of the folder that are none, whatever they begin with
/// @throws Error(kInput) if there is none
std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder_or_file,
                                               bool (*is_no_image)(const std::filesystem::path&) = nullptr);

}  // namespace ziplora
