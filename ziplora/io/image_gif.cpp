#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "ziplora/io/image_codecs.h"

// The library's DGifSlurp reads every frame into memory; here the file is read record by record up to the end
// of the first frame.

namespace ziplora {
namespace {

struct GifSource {
  std::string_view bytes;
  size_t position = 0;
};

int read_from(GifFileType* gif, GifByteType* into, int size) {
  auto* source = static_cast<GifSource*>(gif->UserData);
  const size_t got = std::min(static_cast<size_t>(size), source->bytes.size() - source->position);
  std::memcpy(into, source->bytes.data() + source->position, got);
  source->position += got;
  return static_cast<int>(got);
}

class GifReader {
 public:
  GifReader(std::string_view bytes, std::string where) : source_{bytes}, where_(std::move(where)) {
    gif_ = DGifOpen(&source_, read_from, &error_);
    if (gif_ == nullptr) refuse();
  }
  ~GifReader() {
    if (gif_ != nullptr) DGifCloseFile(gif_, nullptr);
  }
  GifReader(const GifReader&) = delete;
  GifReader& operator=(const GifReader&) = delete;

  /// Goes to the first frame. @return the palette's index that is transparent, or −1
  int find_frame() {
    int transparent = NO_TRANSPARENT_COLOR;
    for (;;) {
      GifRecordType record = UNDEFINED_RECORD_TYPE;
      check(DGifGetRecordType(gif_, &record));
      if (record == TERMINATE_RECORD_TYPE) refuse_image(where_, "the GIF holds no image");
      if (record == EXTENSION_RECORD_TYPE) read_extension(transparent);
      if (record != IMAGE_DESC_RECORD_TYPE) continue;
      check(DGifGetImageDesc(gif_));
      return transparent;
    }
  }

  const GifImageDesc& frame() const { return gif_->Image; }
  const ColorMapObject* palette() const {
    const ColorMapObject* own = gif_->Image.ColorMap;
    return own != nullptr ? own : gif_->SColorMap;
  }
  /// The screen that frames are drawn on; some writers leave it 0.
  int64_t width() const { return std::max<int64_t>(gif_->SWidth, int64_t{frame().Left} + frame().Width); }
  int64_t height() const { return std::max<int64_t>(gif_->SHeight, int64_t{frame().Top} + frame().Height); }
  void read_line(std::vector<GifPixelType>& line) {
    check(DGifGetLine(gif_, line.data(), static_cast<int>(line.size())));
  }

 private:
  void read_extension(int& transparent) {
    int code = 0;
    GifByteType* block = nullptr;  // a length, and so many bytes
    check(DGifGetExtension(gif_, &code, &block));
    while (block != nullptr) {
      GraphicsControlBlock control;
      if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        transparent = control.TransparentColor;
      check(DGifGetExtensionNext(gif_, &block));
    }
  }
  void check(int code) {
    if (code == GIF_OK) return;
    error_ = gif_->Error;
    refuse();
  }
  [[noreturn]] void refuse() {
    const char* message = GifErrorString(error_);
    refuse_image(where_, fmt::format("the GIF is damaged: {}", message == nullptr ? "unknown" : message));
  }

  GifSource source_;
  std::string where_;
  int error_ = 0;
  GifFileType* gif_ = nullptr;
};

/// The lines of a frame in the order of the file.
std::vector<int64_t> line_order(int64_t height, bool interlaced) {
  std::vector<int64_t> lines;
  if (!interlaced) {
    for (int64_t y = 0; y < height; ++y) lines.push_back(y);
    return lines;
  }
  constexpr std::pair<int64_t, int64_t> kPasses[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  for (const auto& [first, step] : kPasses)
    for (int64_t y = first; y < height; y += step) lines.push_back(y);
  return lines;
}

}  // namespace

DecodedImage decode_gif(std::string_view bytes, const std::string& where) {
  GifReader reader(bytes, where);
  const int transparent = reader.find_frame();
  const GifImageDesc& frame = reader.frame();
  check_image_size(reader.width(), reader.height(), where);
  const ColorMapObject* palette = reader.palette();
  if (palette == nullptr || frame.Width <= 0 || frame.Height <= 0)
    refuse_image(where, "the GIF is damaged: a frame without colours or without size");

  DecodedImage image{at::zeros({reader.height(), reader.width(), 4}, at::kByte)};
  auto* pixels = image.pixels.mutable_data_ptr<uint8_t>();
  std::vector<GifPixelType> line(static_cast<size_t>(frame.Width));
  for (const int64_t y : line_order(frame.Height, frame.Interlace)) {
    reader.read_line(line);
    uint8_t* to = pixels + 4 * ((frame.Top + y) * reader.width() + frame.Left);
    for (const GifPixelType index : line) {
      if (index >= palette->ColorCount)
        refuse_image(where, "the GIF is damaged: a colour that is not in its palette");
      const GifColorType& color = palette->Colors[index];
      const uint8_t alpha = index == transparent ? 0 : 255;
      for (const uint8_t value : {color.Red, color.Green, color.Blue, alpha}) *to++ = value;
    }
  }
  return image;
}

}  // namespace ziplora
