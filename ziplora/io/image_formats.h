#pragma once
/// The table of image formats: those that are read, and those that are known well enough to be named.
/// Internal to io/image_file.h. To add a format, write image_<format>.cpp and add a line to the table.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ziplora/io/image_codecs.h"

namespace ziplora {

struct ImageFormat {
  const char* name;
  std::vector<std::string_view> extensions;  ///< lower case, with the dot
  bool (*recognizes)(std::string_view head);
  DecodedImage (*decode)(std::string_view bytes, const std::string& where);  ///< nullptr: known, not read
};

/// How many bytes from the start of a file `recognizes` asks for.
inline constexpr size_t kImageHeadBytes = 16;

/// By content, whatever the name says; but a camera's raw file is one by its name, since it starts like a TIFF
/// and a TIFF's reader would find the thumbnail in it.
/// @return nullptr if the bytes are of no known format
const ImageFormat* image_format_of(const std::filesystem::path& path, std::string_view head);

/// @return nullptr if no format has this extension
const ImageFormat* image_format_named_by(const std::filesystem::path& path);

/// "PNG, JPEG, …, HEIC/AVIF"
std::string image_formats_that_are_read();

}  // namespace ziplora
