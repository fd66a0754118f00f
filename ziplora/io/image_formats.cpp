#include "ziplora/io/image_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace ziplora {
namespace {

using namespace std::string_view_literals;

bool starts_as(std::string_view head, std::string_view magic, size_t at = 0) {
  return head.size() >= at + magic.size() && head.substr(at).starts_with(magic);
}

bool never(std::string_view) { return false; }
bool is_png(std::string_view head) { return starts_as(head, "\x89PNG\r\n\x1a\n"); }
bool is_jpeg(std::string_view head) { return starts_as(head, "\xFF\xD8\xFF"); }
bool is_webp(std::string_view head) { return starts_as(head, "RIFF") && starts_as(head, "WEBP", 8); }
bool is_gif(std::string_view head) { return starts_as(head, "GIF8"); }
/// Two reserved words are 0, and the header's size is less than 256: "BMW, red" is no BMP.
bool is_bmp(std::string_view head) {
  return starts_as(head, "BM") && starts_as(head, "\0\0\0\0"sv, 6) && starts_as(head, "\0"sv, 15);
}
bool is_tiff(std::string_view head) { return starts_as(head, "II*\0"sv) || starts_as(head, "MM\0*"sv); }

/// The brand at byte 8 tells images from videos in the same container.
bool is_heif(std::string_view head) {
  if (!starts_as(head, "ftyp", 4)) return false;
  constexpr std::string_view kBrands[] = {"heic", "heix", "heim", "heis", "hevc",
                                          "hevx", "mif1", "msf1", "avif", "avis"};
  return std::ranges::any_of(kBrands, [&](std::string_view brand) { return starts_as(head, brand, 8); });
}
bool is_video(std::string_view head) { return starts_as(head, "ftyp", 4) && !is_heif(head); }
bool is_svg(std::string_view head) { return starts_as(head, "<svg") || starts_as(head, "<?xml"); }
bool is_jpeg_xl(std::string_view head) { return starts_as(head, "\xFF\x0A") || starts_as(head, "JXL ", 4); }
bool is_jpeg_2000(std::string_view head) { return starts_as(head, "jP  ", 4); }
bool is_photoshop(std::string_view head) { return starts_as(head, "8BPS"); }

/// ZIPLORA_DECODE_JPEG and its kind come from cmake/ImageCodecs.cmake: the decoder, or nullptr without its library.
const std::vector<ImageFormat>& formats() {
  static const std::vector<ImageFormat> table{
      {"PNG", {".png"}, is_png, decode_png},
      {"JPEG", {".jpg", ".jpeg", ".jfif"}, is_jpeg, ZIPLORA_DECODE_JPEG, "libjpeg-dev"},
      {"WebP", {".webp"}, is_webp, ZIPLORA_DECODE_WEBP, "libwebp-dev"},
      {"GIF", {".gif"}, is_gif, ZIPLORA_DECODE_GIF, "libgif-dev"},
      {"BMP", {".bmp", ".dib"}, is_bmp, decode_bmp},
      {"TIFF", {".tif", ".tiff"}, is_tiff, ZIPLORA_DECODE_TIFF, "libtiff-dev"},
      {"HEIC/AVIF", {".heic", ".heif", ".hif", ".avif"}, is_heif, ZIPLORA_DECODE_HEIF, "libheif-dev"},
      {"SVG", {".svg"}, is_svg},
      {"JPEG XL", {".jxl"}, is_jpeg_xl},
      {"JPEG 2000", {".jp2", ".j2k"}, is_jpeg_2000},
      {"Photoshop", {".psd"}, is_photoshop},
      {"video", {".mp4", ".mov", ".m4v"}, is_video},
      {"camera raw", {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}, never},
  };
  return table;
}

}  // namespace

const ImageFormat* image_format_named_by(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const ImageFormat& format : formats())
    if (std::ranges::count(format.extensions, extension) != 0) return &format;
  return nullptr;
}

const ImageFormat* image_format_of(const std::filesystem::path& path, std::string_view head) {
  const ImageFormat* named = image_format_named_by(path);
  if (named != nullptr && named->recognizes == never) return named;
  for (const ImageFormat& format : formats())
    if (format.recognizes(head)) return &format;
  return nullptr;
}

Error unread_image(const ImageFormat* format, const std::string& where) {
  if (format != nullptr && can_be_read(*format))
    return Error(
        ErrorKind::kInput, where,
        fmt::format("this is an image of type {}, which ziplora was built without", format->name),
        fmt::format(
            "install Debian's package {} and build again (make build does both), or convert the image "
            "to PNG",
            format->package));
  return Error(
      ErrorKind::kInput, where,
      format == nullptr ? std::string("this is not an image")
                        : fmt::format("this is an image of type {}", format->name),
      "images are read from these files: " + image_formats_that_are_read() + "; convert it to one of them");
}

std::string image_formats_that_are_read() {
  std::string names;
  for (const ImageFormat& format : formats())
    if (format.decode != nullptr) names += (names.empty() ? "" : ", ") + std::string(format.name);
  return names;
}

}  // namespace ziplora
