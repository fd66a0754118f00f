#include <cstdint>

#include "ziplora/io/image_codecs.h"

// EXIF is a TIFF block: byte order, 42, offset of the first directory; a directory is a count and 12-byte
// entries (tag, type, count, value). Orientation is tag 0x0112, a 16-bit value (Exif 2.3, 4.6.4).

namespace ziplora {
namespace {

class TiffReader {
 public:
  explicit TiffReader(std::string_view bytes) : bytes_(bytes), little_endian_(bytes.starts_with("II")) {}
  bool holds(uint64_t offset, uint64_t size) const { return offset + size <= bytes_.size(); }
  uint32_t number(uint64_t offset, int size) const {
    uint32_t value = 0;
    for (int i = 0; i < size; ++i) {
      const auto byte = static_cast<unsigned char>(bytes_[offset + static_cast<uint64_t>(i)]);
      value |= static_cast<uint32_t>(byte) << 8 * (little_endian_ ? i : size - 1 - i);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool little_endian_;
};

}  // namespace

int exif_orientation(std::string_view tiff) {
  constexpr uint32_t kOrientationTag = 0x0112;
  const TiffReader reader(tiff);
  if (!reader.holds(0, 8) || (!tiff.starts_with("II") && !tiff.starts_with("MM")) ||
      reader.number(2, 2) != 42)
    return 1;
  const uint64_t directory = reader.number(4, 4);
  if (!reader.holds(directory, 2)) return 1;
  const uint64_t count = reader.number(directory, 2);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t entry = directory + 2 + 12 * i;
    if (!reader.holds(entry, 12)) return 1;
    if (reader.number(entry, 2) != kOrientationTag) continue;
    const uint32_t value = reader.number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace ziplora
