#pragma once
/// The table of image formats: those that are read, and those that are known well enough to be named.
/// Internal to io/image_file.h. To add a format, write image_<format>.cpp and add a line to the table.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ziplora/base/error.h"
#include "ziplora/io/image_codecs.h"

namespace ziplora {

struct ImageFormat {
  const char* name;
  std::vector<std::string_view> extensions;  ///< lower case, with the dot
  bool (*recognizes)(std::string_view head);
  DecodedImage (*decode)(std::string_view bytes, const std::string& where) = nullptr;  ///< nullptr: not read
  const char* package = nullptr;  ///< of Debian, which a build needs to read this format; nullptr: none
};

/// If only a library is missing. Folders list such images, so that one is an error instead of being overlooked.
inline bool can_be_read(const ImageFormat& format) {
  return format.decode != nullptr || format.package != nullptr;
}

/// How many bytes from the start of a file `recognizes` asks for.
inline constexpr size_t kImageHeadBytes = 16;

/// By content, whatever the name says; but a camera's raw file is one by its name, since it starts like a TIFF
/// and a TIFF's reader would find the thumbnail in it.
/// @return nullptr if the bytes are of no known format
const ImageFormat* image_format_of(const std::filesystem::path& path, std::string_view head);

/// @return nullptr if no format has this extension
const ImageFormat* image_format_named_by(const std::filesystem::path& path);

/// Says why an image is not read.
/// @param format  nullptr: of no known format
/// @return an Error(kInput); of a format that only this build does not read, with the package that it lacks
Error unread_image(const ImageFormat* format, const std::string& where);

/// "PNG, JPEG, …, HEIC/AVIF": those that this build reads
std::string image_formats_that_are_read();

}  // namespace ziplora
