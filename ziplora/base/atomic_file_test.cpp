#include "ziplora/base/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

size_t entries_in(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

/// Runs `work` in a child process, because limits and user ids are the whole process's. 0: no Error; else its
/// kind.
int kind_in_child(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    int kind = 0;
    try {
      work();
    } catch (const Error& error) {
      kind = static_cast<int>(error.kind());
    }
    ::_exit(kind);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void limit_file_size(rlim_t size_bytes) {
  ::signal(SIGXFSZ, SIG_IGN);  // so that write() returns EFBIG
  const rlimit limit{size_bytes, size_bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST(AtomicFile, AppearsOnlyWithCommit) {
  TemporaryFolder folder;
  AtomicFile file(folder / "out.txt");
  file.write("whole");
  EXPECT_FALSE(std::filesystem::exists(folder / "out.txt"));
  file.commit();
  EXPECT_EQ(read_file(folder / "out.txt"), "whole");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST(AtomicFile, TheStartCanBeWrittenAgainAndNoMore) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "out");
  file.write("head");
  file.write(" and body");
  file.rewrite_start("HE");
  EXPECT_THROW(file.rewrite_start("more than head and body"), Error);
  file.write("!");  // goes on at the end
  file.commit();
  EXPECT_EQ(read_file(folder / "out"), "HEad and body!");
}

TEST(AtomicFile, LeavesTheOldFileWhenNotCommitted) {
  TemporaryFolder folder;
  write_text_file(folder / "out.txt", "old");
  {
    AtomicFile file(folder / "out.txt");
    file.write("half of the new");
  }
  EXPECT_EQ(read_file(folder / "out.txt"), "old");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST(AtomicFile, MissingFolderNamesTheCommandThatMakesIt) {
  TemporaryFolder folder;
  try {
    AtomicFile file(folder / "missing/out.txt");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_EQ(error.hint(), "mkdir -p " + (folder / "missing").string());
    EXPECT_EQ(std::system(error.hint().c_str()), 0);
  }
  AtomicFile file(folder / "missing/out.txt");  // the hint works
}

TEST(AtomicFile, AFolderInItsPlaceIsSaidAtOnce) {
  TemporaryFolder folder;
  for (const std::filesystem::path& path : {folder.path(), folder.path() / "", folder / "new/"}) {
    try {
      AtomicFile file(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_NE(error.hint().find("/NAME"), std::string::npos);
    }
  }
  EXPECT_EQ(entries_in(folder.path()), 0u);
}

TEST(AtomicFile, FullDiskIsExhaustedAndLeavesNothing) {
  TemporaryFolder folder;
  write_text_file(folder / "out.txt", "old");
  const int kind = kind_in_child([&] {
    limit_file_size(4096);
    write_text_file(folder / "out.txt", std::string(100'000, 'x'));
  });
  EXPECT_EQ(kind, static_cast<int>(ErrorKind::kExhausted));
  EXPECT_EQ(read_file(folder / "out.txt"), "old");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

// Permissions do not bind root, so root becomes nobody for this; /dev/full-like devices would not test the
// folder.
TEST(AtomicFile, ReadOnlyFolderIsAnError) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "locked");
  ::chmod(folder.path().c_str(), 0755);
  ::chmod((folder / "locked").c_str(), 0555);
  const auto write = [&] { write_text_file(folder / "locked/out.txt", "x"); };
  const int kind = kind_in_child([&] {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) ::_exit(99);
    if (::access(folder.path().c_str(), X_OK) != 0) ::_exit(98);
    write();
  });
  EXPECT_EQ(kind, static_cast<int>(ErrorKind::kFailed));
  EXPECT_EQ(entries_in(folder / "locked"), 0u);
}

TEST(ReadFile, SaysWhatIsWrong) {
  TemporaryFolder folder;
  const auto problem = [](const std::filesystem::path& path, uint64_t limit) {
    try {
      read_file(path, limit);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      return error.problem();
    }
    return std::string();
  };
  write_text_file(folder / "a.txt", "12345");
  EXPECT_EQ(problem(folder / "none", 10), "there is no such file");
  EXPECT_EQ(problem(folder.path(), 10), "this is a folder, a file is expected");
  EXPECT_EQ(problem(folder / "a.txt", 5), "");
  EXPECT_EQ(problem(folder / "a.txt", 4), "the file is larger than 4 bytes, too large for its kind");
}

}  // namespace
}  // namespace ziplora
