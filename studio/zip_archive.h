#pragma once
/// A ZIP file of entries that are stored as they are (PKWARE's APPNOTE 6.3.9, sections 4.3.7, 4.3.12 and 4.3.16); names are
/// UTF-8. Up to 4 GB and 65,535 entries.
///
///     ZipArchive zip("evidence.zip");
///     zip.add("votes.csv", text);
///     zip.commit();

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "ziplora/base/atomic_file.h"

namespace ziplora::studio {

class ZipArchive {
 public:
  /// @throws as AtomicFile; so do the others
  explicit ZipArchive(const std::filesystem::path& file) : file_(file) {}
  /// @throws Error(kExhausted) if the archive would be larger than the format allows
  void add(const std::string& name, std::string_view content);
  void commit();

 private:
  AtomicFile file_;
  std::string directory_;
  uint64_t size_bytes_ = 0;
  uint16_t entries_ = 0;
};

}  // namespace ziplora::studio
