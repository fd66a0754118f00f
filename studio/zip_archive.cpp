#include "studio/zip_archive.h"

#include <zlib.h>

#include <limits>

#include "ziplora/base/error.h"

namespace ziplora::studio {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kUtf8Names = 1 << 11, kVersion = 20, kFirstOfJanuary1980 = 0x21;

void put(std::string& text, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
}

/// What the local header and the directory share.
std::string description(const std::string& name, std::string_view content) {
  const auto crc = static_cast<uint32_t>(
      ::crc32_z(0, reinterpret_cast<const unsigned char*>(content.data()), content.size()));
  std::string text;
  put(text, kVersion, 2);
  put(text, kUtf8Names, 2);
  put(text, 0, 2);  // stored
  put(text, 0, 2);  // midnight
  put(text, kFirstOfJanuary1980, 2);
  put(text, crc, 4);
  put(text, static_cast<uint32_t>(content.size()), 4);
  put(text, static_cast<uint32_t>(content.size()), 4);
  put(text, static_cast<uint32_t>(name.size()), 2);
  put(text, 0, 2);  // no extra field
  return text;
}

}  // namespace

void ZipArchive::add(const std::string& name, std::string_view content) {
  if (size_bytes_ + content.size() + name.size() + directory_.size() + 200 > kMost ||
      entries_ == std::numeric_limits<uint16_t>::max())
    throw Error(ErrorKind::kExhausted, "evidence.zip", "the archive would be larger than 4 GB",
                "delete some images first");
  const std::string what = description(name, content);
  std::string header = "PK\3\4" + what + name;
  put(directory_ += "PK\1\2", kVersion, 2);
  directory_ += what;
  put(directory_, 0, 2);  // no comment
  put(directory_, 0, 2);
  put(directory_, 0, 2);
  put(directory_, 0, 4);
  put(directory_, static_cast<uint32_t>(size_bytes_), 4);
  directory_ += name;
  file_.write(header);
  file_.write(content);
  size_bytes_ += header.size() + content.size();
  ++entries_;
}

void ZipArchive::commit() {
  std::string end = "PK\5\6";
  put(end, 0, 4);
  put(end, entries_, 2);
  put(end, entries_, 2);
  put(end, static_cast<uint32_t>(directory_.size()), 4);
  put(end, static_cast<uint32_t>(size_bytes_), 4);
  put(end, 0, 2);
  file_.write(directory_);
  file_.write(end);
  file_.commit();
}

}  // namespace ziplora::studio
