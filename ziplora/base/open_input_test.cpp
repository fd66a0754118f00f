#include "ziplora/base/open_input.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

Error error_of_opening(const std::filesystem::path& path) {
  try {
    ::close(open_input(path));
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("it opened");
}

TEST(OpenInput, OpensWhatIsThere) {
  TemporaryFolder folder;
  write_text_file(folder / "a", "text");
  const int descriptor = open_input(folder / "a");
  EXPECT_GE(descriptor, 0);
  ::close(descriptor);
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
