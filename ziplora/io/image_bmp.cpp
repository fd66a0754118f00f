#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <array>
#include <bit>
#include <vector>

#include "ziplora/io/image_codecs.h"

// A file header of 14 bytes, an information header that begins with its own size (12, 40, … 124), masks or a
// palette, and rows padded to 4 bytes, the lowest first unless the height is negative. All little-endian.

namespace ziplora {
namespace {

constexpr uint64_t kFileHeaderBytes = 14, kOldHeaderBytes = 12, kHeaderBytes = 40, kAlphaHeaderBytes = 56;
constexpr uint32_t kPlain = 0, kMasks = 3, kAlphaMasks = 6;

/// Numbers of a file that may end anywhere.
struct Bytes {
  std::string_view bytes;
  const std::string& where;

  uint32_t number(uint64_t offset, uint64_t size) const {
    if (offset > bytes.size() || size > bytes.size() - offset)
      refuse_image(where, "the BMP is damaged: the file is cut short");
    uint32_t value = 0;
    for (uint64_t i = 0; i < size; ++i)
      value |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[offset + i])) << 8 * i;
    return value;
  }
};

struct Header {
  int64_t width = 0, height = 0;
  bool top_down = false;
  uint32_t bits = 0;
  std::array<uint32_t, 4> masks{};              ///< of red, green, blue, alpha; for 16 and 32 bits
  std::vector<std::array<uint8_t, 3>> palette;  ///< RGB; for up to 8 bits
  uint64_t pixels_at = 0;
};

void read_sizes(const Bytes& file, uint64_t header_bytes, Header& header) {
  if (header_bytes == kOldHeaderBytes) {
    header.width = file.number(18, 2);
    header.height = file.number(20, 2);
    header.bits = file.number(24, 2);
    return;
  }
  header.width = static_cast<int32_t>(file.number(18, 4));
  header.height = static_cast<int32_t>(file.number(22, 4));
  header.top_down = header.height < 0;
  if (header.top_down) header.height = -header.height;
  header.bits = file.number(28, 2);
}

void read_masks(const Bytes& file, uint64_t header_bytes, uint32_t compression, Header& header) {
  header.masks = {0xFF0000, 0xFF00, 0xFF, 0};
  if (header.bits == 16) header.masks = {0x7C00, 0x3E0, 0x1F, 0};
  if (compression == kPlain) return;
  const bool alpha = compression == kAlphaMasks || header_bytes >= kAlphaHeaderBytes;
  for (size_t i = 0; i < (alpha ? 4 : 3); ++i)
    header.masks[i] = file.number(kFileHeaderBytes + kHeaderBytes + 4 * i, 4);
}

void read_palette(const Bytes& file, uint64_t header_bytes, Header& header) {
  const bool is_old = header_bytes == kOldHeaderBytes;
  const uint64_t entry_bytes = is_old ? 3 : 4, most = uint64_t{1} << header.bits;
  uint64_t count = is_old ? 0 : file.number(46, 4);
  if (count == 0 || count > most) count = most;
  const uint64_t at = kFileHeaderBytes + header_bytes;
  for (uint64_t i = 0; i < count; ++i) {
    const uint32_t color = file.number(at + i * entry_bytes, 3);
    header.palette.push_back(
        {static_cast<uint8_t>(color >> 16), static_cast<uint8_t>(color >> 8), static_cast<uint8_t>(color)});
  }
}

Header read_header(const Bytes& file) {
  const uint64_t header_bytes = file.number(14, 4);
  if (header_bytes != kOldHeaderBytes && (header_bytes < kHeaderBytes || header_bytes > 124))
    refuse_image(file.where,
                 fmt::format("the BMP's header of {} bytes is of no known version", header_bytes));
  Header header;
  read_sizes(file, header_bytes, header);
  header.pixels_at = file.number(10, 4);
  check_image_size(header.width, header.height, file.where);
  const uint32_t compression = header_bytes == kOldHeaderBytes ? kPlain : file.number(30, 4);
  const bool masked = compression == kMasks || compression == kAlphaMasks;
  if (compression != kPlain && !masked)
    refuse_image(file.where,
                 fmt::format("the BMP is compressed (method {}), which is not read", compression));
  const bool known_bits = header.bits == 1 || header.bits == 4 || header.bits == 8 || header.bits == 16 ||
                          header.bits == 24 || header.bits == 32;
  if (!known_bits || (masked && header.bits != 16 && header.bits != 32))
    refuse_image(file.where, fmt::format("the BMP has {} bits a pixel, which is not read", header.bits));
  if (header.bits <= 8)
    read_palette(file, header_bytes, header);
  else
    read_masks(file, header_bytes, compression, header);
  return header;
}

/// The bits of a mask, stretched to 8.
uint8_t channel(uint32_t value, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  const uint64_t most = mask >> shift;
  return static_cast<uint8_t>(((uint64_t{value & mask} >> shift) * 255 + most / 2) / most);
}

/// Up to 8 bits: places in the palette, the first pixel in the highest bits.
void read_indices(const Header& header, const unsigned char* row, uint8_t* to, const std::string& where) {
  for (int64_t x = 0; x < header.width; ++x) {
    const int64_t bit = x * header.bits;
    const int64_t shift = 8 - header.bits - bit % 8;
    const size_t index = (row[bit / 8] >> shift) & ((1u << header.bits) - 1);
    if (index >= header.palette.size())
      refuse_image(where, "the BMP is damaged: a colour that is not in its palette");
    for (const uint8_t value : header.palette[index]) *to++ = value;
  }
}

void read_colors(const Header& header, const unsigned char* row, uint8_t* to, int64_t channels) {
  const int64_t pixel_bytes = header.bits / 8;
  for (int64_t x = 0; x < header.width; ++x) {
    uint32_t value = 0;
    for (int64_t i = 0; i < pixel_bytes; ++i) value |= uint32_t{row[x * pixel_bytes + i]} << 8 * i;
    for (int64_t c = 0; c < channels; ++c) *to++ = channel(value, header.masks[static_cast<size_t>(c)]);
  }
}

/// Many writers declare an alpha channel and leave it 0.
void drop_blank_alpha(at::Tensor& pixels) {
  if (pixels.size(2) == 4 && pixels.select(2, 3).max().item<uint8_t>() == 0)
    pixels = pixels.narrow(2, 0, 3).contiguous();
}

}  // namespace

DecodedImage decode_bmp(std::string_view bytes, const std::string& where) {
  const Header header = read_header({bytes, where});
  const uint64_t row_bytes = (static_cast<uint64_t>(header.width) * header.bits + 31) / 32 * 4;
  if (header.pixels_at > bytes.size() ||
      row_bytes * static_cast<uint64_t>(header.height) > bytes.size() - header.pixels_at)
    refuse_image(where, "the BMP is cut short: pixel data is missing");
  const int64_t channels = header.masks[3] != 0 ? 4 : 3;
  DecodedImage image{at::empty({header.height, header.width, channels}, at::kByte)};
  auto* pixels = image.pixels.mutable_data_ptr<uint8_t>();
  for (int64_t y = 0; y < header.height; ++y) {
    const auto* row = reinterpret_cast<const unsigned char*>(bytes.data()) + header.pixels_at +
                      static_cast<uint64_t>(y) * row_bytes;
    uint8_t* to = pixels + (header.top_down ? y : header.height - 1 - y) * header.width * channels;
    if (header.bits <= 8)
      read_indices(header, row, to, where);
    else
      read_colors(header, row, to, channels);
  }
  drop_blank_alpha(image.pixels);
  return image;
}

}  // namespace ziplora
