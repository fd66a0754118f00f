#pragma once
/// A folder that appears under its name whole or not at all, like a file with atomic_file.h.
///
///     AtomicFolder folder("baked");             // makes a hidden temporary folder beside it
///     write_text_file(folder / "a.json", "…");
///     folder.commit();                          // renames; without it the destructor removes the part
///
/// An existing folder can be updated: new files replace old ones once all of them are written, and its other
/// files stay. Until then nothing in it changes. A full disk or Ctrl-C cannot interrupt the replacement,
/// since renames need no space and no cancel token is asked.
///
/// A link stays one: the folder that it leads to is written. Permissions are as with atomic_file.h.

#include <filesystem>

namespace ziplora {

enum class IfThere { kRefuse, kUpdate };

class AtomicFolder {
 public:
  /// @throws Error(kUsage) if `path` is empty, a file or, unless it is to be updated, a folder with content;
  ///         Error(kFailed) if the parent folder does not exist or is not writable
  explicit AtomicFolder(const std::filesystem::path& path, IfThere if_there = IfThere::kRefuse);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  std::filesystem::path operator/(const std::filesystem::path& name) const { return part_path_ / name; }
  /// @throws Error(kFailed) or Error(kExhausted); an updated folder may then contain new empty folders
  void commit();

 private:
  void update();
  std::filesystem::path path_, part_path_;
  int lock_ = -1;
  IfThere if_there_;
};

}  // namespace ziplora
