#include "ziplora/base/folder_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

std::string refusal_of(const std::filesystem::path& folder) {
  try {
    const FolderLock lock(folder, "name another");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_EQ(error.hint(), "name another");
    return error.problem();
  }
  return "";
}

TEST(FolderLock, ASecondOneIsToldWhoHasTheFolder) {
  const TemporaryFolder folder;
  auto lock = std::make_unique<FolderLock>(folder.path(), "");
  EXPECT_NE(refusal_of(folder.path()).find("process " + std::to_string(::getpid()) + " "), std::string::npos);
  lock.reset();
  EXPECT_EQ(refusal_of(folder.path()), "");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(FolderLock, WhatADeadProcessLeftLocksNothing) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder.path(), "");
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && std::filesystem::exists(folder / ".lock"));
  EXPECT_EQ(refusal_of(folder.path()), "");
}

TEST(FolderLock, ALinkInItsPlaceIsNotFollowed) {
  const TemporaryFolder folder;
  write_text_file(folder / "precious", "all of it");
  std::filesystem::create_symlink(folder / "precious", folder / ".lock");
  EXPECT_EQ(refusal_of(folder.path()), "");
  EXPECT_EQ(std::filesystem::file_size(folder / "precious"), 9u);
}

}  // namespace
}  // namespace ziplora
