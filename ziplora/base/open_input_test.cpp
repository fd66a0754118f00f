#include "ziplora/base/open_input.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

Error error_of_opening(const std::filesystem::path& path) {
  try {
    open_input(path);
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("it opened");
}

TEST(OpenInput, OpensWhatIsThere) {
  TemporaryFolder folder;
  write_text_file(folder / "a", "text");
  const InputFile file = open_input(folder / "a");
  EXPECT_GE(file.descriptor(), 0);
  EXPECT_EQ(file.size_bytes(), 4u);
  char text[8];
  EXPECT_EQ(file.read(text, sizeof text), 4u);
  EXPECT_EQ(file.read(text, sizeof text), 0u);
}

TEST(OpenInput, RefusesWhatIsNoRegularFileWithoutWaiting) {
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::filesystem::path& path : {folder / "pipe", std::filesystem::path("/dev/zero")})
    EXPECT_EQ(error_of_opening(path).problem(), "this is a pipe or a device, a file is expected");
  EXPECT_EQ(error_of_opening(folder.path()).problem(), "this is a folder, a file is expected");
}

/// A file as it was a day ago, so that writing to it shows in its times however coarse their clock is.
void write_old_file(const std::filesystem::path& path, const std::string& text) {
  write_text_file(path, text);
  std::filesystem::last_write_time(path,
                                   std::filesystem::file_time_type::clock::now() - std::chrono::days(1));
}

void write_into(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::in | std::ios::out) << text;
}

TEST(OpenInput, ANoteThatSomebodyWroteToTheFile) {
  TemporaryFolder folder;
  const auto problem_after = [&](const auto& change) -> std::string {
    write_old_file(folder / "a", "text");
    const InputFile file = open_input(folder / "a");
    change();
    try {
      file.require_unchanged();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      return error.problem();
    }
    return "";
  };
  EXPECT_EQ(problem_after([] {}), "");
  EXPECT_NE(problem_after([&] { write_into(folder / "a", "next"); }), "");
  EXPECT_NE(problem_after([&] { std::filesystem::resize_file(folder / "a", 2); }), "");
  // What replaces the file as a whole, or only changes who may read it, leaves the content alone.
  EXPECT_EQ(problem_after([&] { write_text_file(folder / "a", "next"); }), "");
  EXPECT_EQ(problem_after([&] { ::chmod((folder / "a").c_str(), 0600); }), "");
  EXPECT_EQ(problem_after([&] { std::filesystem::create_hard_link(folder / "a", folder / "b"); }), "");
}

TEST(OpenInput, SaysWhatIsWrongWithAPath) {
  TemporaryFolder folder;
  write_text_file(folder / "file", "");
  std::filesystem::create_symlink("nowhere", folder / "dangling");
  std::filesystem::create_symlink(".git/annex/objects/SHA256E-s1--0", folder / "annexed");
  std::filesystem::create_symlink("circle", folder / "circle");
  const auto expect = [&](const std::string& name, const char* problem, const char* hint) {
    const Error error = error_of_opening(folder / name);
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(error.problem().find(problem), std::string::npos) << error.problem();
    EXPECT_NE(error.hint().find(hint), std::string::npos) << error.hint();
  };
  expect("missing", "there is no such file", "spelling");
  expect("dangling", "a symbolic link to nowhere", "the link leads to");
  expect("annexed", "a symbolic link to .git/annex", "git annex get");
  expect("circle", "in a circle", "the file itself");
  expect("file/inside", "a part of the path is a file, not a folder", "spelling");
  expect(std::string(300, 'n'), "longer than this file system allows", "spelling");
}

}  // namespace
}  // namespace ziplora
