#pragma once
/// A folder appears under its name whole or not at all, as files do with atomic_file.h.
///
///     AtomicFolder folder("baked");             // makes baked.<random> beside it
///     write_text_file(folder / "a.json", "…");
///     folder.commit();                          // rename; without it the destructor removes the part

#include <filesystem>

namespace ziplora {

class AtomicFolder {
 public:
  /// @throws Error(kUsage) if something other than an empty folder is there already: nothing is overwritten;
  ///         Error(kFailed) if the folder above does not exist or is not writable
  explicit AtomicFolder(const std::filesystem::path& path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  std::filesystem::path operator/(const std::filesystem::path& name) const { return part_path_ / name; }
  void commit();

 private:
  std::filesystem::path path_, part_path_;
};

}  // namespace ziplora
