#include "ziplora/base/atomic_folder.h"

#include <gtest/gtest.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

size_t entries_of(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

TEST(AtomicFolder, AppearsOnlyWithCommit) {
  TemporaryFolder parent;
  AtomicFolder folder(parent / "out/");
  write_text_file(folder / "a.txt", "whole");
  EXPECT_FALSE(fs::exists(parent / "out"));
  folder.commit();
  EXPECT_EQ(read_file(parent / "out/a.txt"), "whole");
  EXPECT_EQ(entries_of(parent.path()), 1u);
}

TEST(AtomicFolder, LeavesNothingWhenNotCommitted) {
  TemporaryFolder parent;
  {
    AtomicFolder folder(parent / "out");
    write_text_file(folder / "a.txt", "half");
  }
  EXPECT_EQ(entries_of(parent.path()), 0u);
}

TEST(AtomicFolder, OverwritesAnEmptyFolderOnly) {
  TemporaryFolder parent;
  fs::create_directory(parent / "out");
  {
    AtomicFolder folder(parent / "out");
    write_text_file(folder / "a.txt", "first");
    folder.commit();
  }
  EXPECT_THROW(AtomicFolder(parent / "out"), Error);
  EXPECT_THROW(AtomicFolder(parent / "missing/out"), Error);
  EXPECT_EQ(read_file(parent / "out/a.txt"), "first");
  EXPECT_EQ(entries_of(parent.path()), 1u);
}

}  // namespace
}  // namespace ziplora
