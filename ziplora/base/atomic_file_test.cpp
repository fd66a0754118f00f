#include "ziplora/base/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>

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

std::string whole_stream(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  std::string content;
  char block[4096];
  for (ssize_t got = 0; (got = ::read(descriptor, block, sizeof block)) > 0;)
    content.append(block, static_cast<size_t>(got));
  ::close(descriptor);
  return content;
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

/// Small ones are collected, large ones are not.
TEST(AtomicFile, PiecesOfAnySizeKeepTheirOrder) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "out");
  std::string expected;
  for (const size_t size : {1, 0, 65'535, 1, 65'536, 65'537, 3, 200'000, 7, 40'000, 40'000}) {
    const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
    file.write(piece);
    expected += piece;
  }
  file.rewrite_start("start");
  expected.replace(0, 5, "start");
  file.write("end");
  file.commit();
  EXPECT_EQ(read_file(folder / "out"), expected + "end");
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

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  ::stat(path.c_str(), &status);
  return status.st_mode & 0777;
}

TEST(AtomicFile, ALinkStaysOneAndWhatItLeadsToIsWritten) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "runs");
  std::filesystem::create_symlink("runs/7.txt", folder / "latest.txt");
  std::filesystem::create_symlink("latest.txt", folder / "link to the link");
  write_text_file(folder / "latest.txt", "first");  // the target is not there yet
  write_text_file(folder / "link to the link", "second");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "latest.txt"));
  EXPECT_FALSE(std::filesystem::is_symlink(folder / "runs/7.txt"));
  EXPECT_EQ(read_file(folder / "runs/7.txt"), "second");
  EXPECT_EQ(entries_in(folder.path()), 3u);
  EXPECT_EQ(entries_in(folder / "runs"), 1u);
}

TEST(AtomicFile, LinksThatLeadNowhereAreSaid) {
  TemporaryFolder folder;
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  std::filesystem::create_symlink("missing/out.txt", folder / "c");
  EXPECT_THROW(AtomicFile(folder / "a"), Error);
  EXPECT_THROW(AtomicFile(folder / "c"), Error);
}

TEST(AtomicFile, DevicesAndPipesAreWrittenInto) {
  TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/null", folder / "null");
  write_text_file(folder / "null", "lost");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  { const AtomicFile trial(folder / "pipe"); }  // does not wait for a reader, and sends none an end
  std::string got;
  std::thread reader([&] { got = whole_stream(folder / "pipe"); });
  AtomicFile file(folder / "pipe");
  file.write(std::string(200'000, 'x'));
  file.rewrite_start("head");
  file.commit();
  reader.join();
  EXPECT_EQ(got, "head" + std::string(199'996, 'x'));
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
}

TEST(AtomicFile, AFullDeviceIsExhausted) {
  try {
    write_text_file("/dev/full", "x");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kExhausted);
  }
}

TEST(AtomicFile, NamesThatAreNoFilesAreUsageErrors) {
  TemporaryFolder folder;
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{AF_UNIX, {}};
  (folder / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  for (const std::filesystem::path& path : {std::filesystem::path(), folder / "socket"}) {
    try {
      AtomicFile file(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_FALSE(error.hint().empty());
    }
  }
  ::close(socket);
}

TEST(AtomicFile, PermissionsAreTheUmasksOrThoseOfBefore) {
  TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_text_file(folder / "new", "x");
  EXPECT_EQ(mode_of(folder / "new"), 0640u);
  write_text_file(folder / "old", "x");
  for (const mode_t mode : {0600u, 0666u, 0444u}) {
    ::chmod((folder / "old").c_str(), mode);
    write_text_file(folder / "old", "y");
    EXPECT_EQ(mode_of(folder / "old"), mode);
  }
  ::umask(before);
}

TEST(AtomicFile, TheLongestNamesWorkAndLongerOnesAreSaid) {
  TemporaryFolder folder;
  write_text_file(folder / std::string(NAME_MAX, 'n'), "x");
  EXPECT_EQ(read_file(folder / std::string(NAME_MAX, 'n')), "x");
  try {
    AtomicFile file(folder / std::string(NAME_MAX + 1, 'n'));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_NE(error.problem().find("File name too long"), std::string::npos);
    EXPECT_NE(error.hint().find("a shorter name"), std::string::npos);
  }
}

/// A process that has begun to write, until it is killed.
class Writer {
 public:
  explicit Writer(const std::filesystem::path& path) : process_(::fork()) {
    if (process_ == 0) {
      AtomicFile file(path);
      file.write("half");
      ::raise(SIGSTOP);  // tells the parent that it is there
      ::_exit(0);
    }
    ::waitpid(process_, nullptr, WUNTRACED);
  }
  ~Writer() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

 private:
  pid_t process_;
};

TEST(AtomicFile, WhatDeadProcessesLeftIsRemoved) {
  TemporaryFolder folder;
  { const Writer killed(folder / "a.txt"); }
  EXPECT_EQ(entries_in(folder.path()), 1u);
  write_text_file(folder / "b.txt", "x");
  EXPECT_EQ(entries_in(folder.path()), 1u);
  EXPECT_EQ(read_file(folder / "b.txt"), "x");
}

TEST(AtomicFile, WhatIsStillWrittenOrNotOursStays) {
  TemporaryFolder folder;
  const Writer living(folder / "a.txt");
  for (const char* name : {"x.part", ".ziplora-x.part", ".ziplora-0123456789ab.txt"})
    std::filesystem::create_symlink("/dev/null", folder / name);
  std::filesystem::create_symlink(".", folder / ".ziplora-0123456789ab.part");
  write_text_file(folder / "b.txt", "x");
  EXPECT_EQ(entries_in(folder.path()), 6u);
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
