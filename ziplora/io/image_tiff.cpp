#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "ziplora/io/image_codecs.h"

namespace ziplora {
namespace {

/// A file's claims of the size of its strips and tiles cost no more than this.
constexpr tmsize_t kAllocationLimitBytes = 4 * kImageLimitPixels;

struct TiffSource {
  std::string_view bytes;
  uint64_t position = 0;
  std::string message;
};

TiffSource& source_of(thandle_t handle) { return *static_cast<TiffSource*>(handle); }

tmsize_t read_from(thandle_t handle, void* into, tmsize_t size) {
  TiffSource& source = source_of(handle);
  if (source.position >= source.bytes.size()) return 0;
  const size_t got = std::min(static_cast<size_t>(size), source.bytes.size() - source.position);
  std::memcpy(into, source.bytes.data() + source.position, got);
  source.position += got;
  return static_cast<tmsize_t>(got);
}

tmsize_t write_nothing(thandle_t, void*, tmsize_t) { return 0; }

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  TiffSource& source = source_of(handle);
  if (whence == SEEK_CUR) offset += source.position;
  if (whence == SEEK_END) offset += source.bytes.size();
  return source.position = offset;
}

int close_nothing(thandle_t) { return 0; }
toff_t size_of(thandle_t handle) { return source_of(handle).bytes.size(); }

/// The first error says what is wrong; those after it are its consequences.
int keep_message(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto* source = static_cast<TiffSource*>(user);
  char text[200];
  std::vsnprintf(text, sizeof text, format, arguments);
  if (source->message.empty()) source->message = text;
  return 1;
}
int ignore_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

using Tiff = std::unique_ptr<TIFF, decltype(&TIFFClose)>;

Tiff open_tiff(TiffSource& source) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 TIFFOpenOptionsFree);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kAllocationLimitBytes);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_message, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore_warning, nullptr);
  // "m": no memory mapping, for there is no file.
  return {TIFFClientOpenExt("", "rm", &source, read_from, write_nothing, seek, close_nothing, size_of,
                            nullptr, nullptr, options.get()),
          TIFFClose};
}

[[noreturn]] void refuse(const TiffSource& source, const std::string& where) {
  refuse_image(where, fmt::format("the TIFF is damaged, or of a form that is not read: {}",
                                  source.message.empty() ? "unknown error" : source.message));
}

int orientation_of(TIFF* tiff) {
  uint16_t orientation = ORIENTATION_TOPLEFT;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}

/// Words of 8-bit ABGR whose colours are multiplied with alpha → RGB on white.
at::Tensor on_white(const std::vector<uint32_t>& raster, int64_t height, int64_t width) {
  at::Tensor pixels = at::empty({height, width, 3}, at::kByte);
  auto* to = pixels.mutable_data_ptr<uint8_t>();
  for (const uint32_t word : raster) {
    const uint32_t white = 255 - TIFFGetA(word);
    for (const uint32_t value : {TIFFGetR(word), TIFFGetG(word), TIFFGetB(word)})
      *to++ = static_cast<uint8_t>(std::min<uint32_t>(255, value + white));
  }
  return pixels;
}

}  // namespace

DecodedImage decode_tiff(std::string_view bytes, const std::string& where) {
  TiffSource source{bytes, 0, {}};
  const Tiff tiff = open_tiff(source);
  if (tiff == nullptr) refuse(source, where);
  uint32_t width = 0, height = 0;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  check_image_size(width, height, where);
  char unreadable[1024] = "";
  if (TIFFRGBAImageOK(tiff.get(), unreadable) == 0) {
    if (source.message.empty()) source.message = unreadable;
    refuse(source, where);
  }
  const int orientation = orientation_of(tiff.get());
  std::vector<uint32_t> raster(size_t{width} * height);
  // Asking for the orientation that the file has leaves rows and columns as they are stored.
  constexpr int kStopAtErrors = 1;
  if (TIFFReadRGBAImageOriented(tiff.get(), width, height, raster.data(), orientation, kStopAtErrors) == 0 ||
      !source.message.empty())
    refuse(source, where);
  return {on_white(raster, height, width), orientation};
}

}  // namespace ziplora
