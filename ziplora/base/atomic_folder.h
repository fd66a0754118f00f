#pragma once
/// A folder appears under its name whole or not at all, as files do with atomic_file.h.
///
///     AtomicFolder folder("baked");             // makes baked.<random> beside it
///     write_text_file(folder / "a.json", "…");
///     folder.commit();                          // rename; without it the destructor removes the part
///
/// A folder that is there can be updated: its other files stay, and the new ones take the old ones' places
/// when all are whole. Until then it is as it was; a full disk and Ctrl-C do not come in between, since
/// renames need no room and ask nobody.

#include <filesystem>

namespace ziplora {

enum class IfThere { kRefuse, kUpdate };

class AtomicFolder {
 public:
  /// @throws Error(kUsage) if a file is there, or, unless it is to be updated, a folder that is not empty;
  ///         Error(kFailed) if the folder above does not exist or is not writable
  explicit AtomicFolder(const std::filesystem::path& path, IfThere if_there = IfThere::kRefuse);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  std::filesystem::path operator/(const std::filesystem::path& name) const { return part_path_ / name; }
  /// @throws Error(kFailed) or Error(kExhausted); a folder that is updated may have new empty folders then
  void commit();

 private:
  void update();
  std::filesystem::path path_, part_path_;
  IfThere if_there_;
};

}  // namespace ziplora
