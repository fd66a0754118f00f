#include "ziplora/base/atomic_folder.h"

#include <gtest/gtest.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

/// With a file that only it has, one that will be replaced, and a folder.
void make_old(const fs::path& folder) {
  fs::create_directories(folder / "unet");
  write_text_file(folder / "README.md", "old");
  write_text_file(folder / "unet/config.json", "old");
}

TEST(AtomicFolder, AnUpdateReplacesItsFilesAndKeepsTheOthers) {
  TemporaryFolder parent;
  make_old(parent / "out");
  AtomicFolder folder(parent / "out/", IfThere::kUpdate);
  for (const char* name : {"unet", "vae"}) {
    fs::create_directory(folder / name);
    write_text_file(folder / name / "config.json", "new");
  }
  EXPECT_EQ(read_file(parent / "out/unet/config.json"), "old");
  folder.commit();
  EXPECT_EQ(read_file(parent / "out/unet/config.json"), "new");
  EXPECT_EQ(read_file(parent / "out/vae/config.json"), "new");
  EXPECT_EQ(read_file(parent / "out/README.md"), "old");
  EXPECT_EQ(entries_of(parent.path()), 1u);
}

TEST(AtomicFolder, AnUpdateThatIsNotCommittedChangesNothing) {
  TemporaryFolder parent;
  make_old(parent / "out");
  {
    AtomicFolder folder(parent / "out", IfThere::kUpdate);
    write_text_file(folder / "README.md", "half");
  }
  EXPECT_EQ(read_file(parent / "out/README.md"), "old");
  EXPECT_EQ(entries_of(parent / "out"), 2u);
  EXPECT_EQ(entries_of(parent.path()), 1u);
}

/// Here for a file where a folder must be; a full disk is the same.
TEST(AtomicFolder, AnUpdateMakesItsFoldersBeforeItReplacesAFile) {
  TemporaryFolder parent;
  make_old(parent / "out");
  write_text_file(parent / "out/vae", "no folder");
  {
    AtomicFolder folder(parent / "out", IfThere::kUpdate);
    fs::create_directory(folder / "vae");
    write_text_file(folder / "README.md", "new");
    EXPECT_THROW(folder.commit(), Error);
  }
  EXPECT_EQ(read_file(parent / "out/README.md"), "old");
  EXPECT_EQ(entries_of(parent.path()), 1u);
}

TEST(AtomicFolder, AnUpdateOfNothingIsTheWholeFolder) {
  TemporaryFolder parent;
  AtomicFolder folder(parent / "out", IfThere::kUpdate);
  write_text_file(folder / "a.txt", "whole");
  EXPECT_FALSE(fs::exists(parent / "out"));
  folder.commit();
  EXPECT_EQ(read_file(parent / "out/a.txt"), "whole");
  write_text_file(parent / "file", "");
  EXPECT_THROW(AtomicFolder(parent / "file", IfThere::kUpdate), Error);
}

TEST(AtomicFolder, ALinkStaysOneAndWhatItLeadsToIsWritten) {
  TemporaryFolder parent;
  fs::create_directory(parent / "runs");
  fs::create_symlink("runs/7", parent / "latest");
  AtomicFolder folder(parent / "latest");
  write_text_file(folder / "a.txt", "whole");
  folder.commit();
  EXPECT_TRUE(fs::is_symlink(parent / "latest"));
  EXPECT_EQ(read_file(parent / "runs/7/a.txt"), "whole");
  EXPECT_EQ(entries_of(parent / "runs"), 1u);
}

TEST(AtomicFolder, NamesThatAreNoFoldersAreUsageErrors) {
  for (const char* path : {"", "/dev/null"}) {
    try {
      AtomicFolder folder(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    }
  }
}

TEST(AtomicFolder, PermissionsAreTheUmasksOrThoseOfBefore) {
  TemporaryFolder parent;
  fs::create_directory(parent / "old");
  fs::permissions(parent / "old", fs::perms(0700));
  const mode_t before = ::umask(027);
  for (const char* name : {"new", "old"}) {
    AtomicFolder folder(parent / name);
    write_text_file(folder / "a.txt", "whole");
    folder.commit();
  }
  ::umask(before);
  EXPECT_EQ(fs::status(parent / "new").permissions(), fs::perms(0750));
  EXPECT_EQ(fs::status(parent / "old").permissions(), fs::perms(0700));
}

TEST(AtomicFolder, TheLongestNamesWork) {
  TemporaryFolder parent;
  AtomicFolder folder(parent / std::string(NAME_MAX, 'n'));
  folder.commit();
  EXPECT_TRUE(fs::is_directory(parent / std::string(NAME_MAX, 'n')));
  EXPECT_THROW(AtomicFolder(parent / std::string(NAME_MAX + 1, 'n')), Error);
}

TEST(AtomicFolder, WhatAKilledProcessLeftIsRemovedWithEverythingInIt) {
  TemporaryFolder parent;
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFolder folder(parent / "out");
    write_text_file(folder / "a.txt", "half");
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(entries_of(parent.path()), 1u);
  write_text_file(parent / "file", "x");
  EXPECT_EQ(entries_of(parent.path()), 1u);
}

}  // namespace
}  // namespace ziplora
