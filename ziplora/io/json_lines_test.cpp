#include "ziplora/io/json_lines.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

TEST(JsonLines, EachRecordIsALine) {
  TemporaryFolder folder;
  append_json_line(folder / "a.jsonl", {{"iteration", 1}, {"loss", 0.5}}, "-o");
  append_json_line(folder / "a.jsonl", {{"text", "two\nlines"}}, "-o");
  EXPECT_EQ(read_file(folder / "a.jsonl"), "{\"iteration\":1,\"loss\":0.5}\n{\"text\":\"two\\nlines\"}\n");
}

TEST(JsonLines, AFullDiskIsSaid) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full here";
  try {
    append_json_line("/dev/full", {{"iteration", 1}}, "--run-folder");
    FAIL() << "the line is lost";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kExhausted);
    EXPECT_NE(error.where().find("/dev/full"), std::string::npos);
    EXPECT_NE(error.hint().find("--run-folder"), std::string::npos);
  }
}

/// In a process of its own, whose files may not grow: the system takes part of the second line.
TEST(JsonLines, HalfALineIsTakenBack) {
  TemporaryFolder folder;
  const nlohmann::json record = {{"text", std::string(3000, 'x')}};
  const auto append_twice = [&] {
    ::signal(SIGXFSZ, SIG_IGN);  // so that write() returns EFBIG
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    append_json_line(folder / "a.jsonl", record, "-o");
    try {
      append_json_line(folder / "a.jsonl", record, "-o");
    } catch (const Error& error) {
      ::_exit(static_cast<int>(error.kind()));
    }
  };
  EXPECT_EXIT(append_twice(), testing::ExitedWithCode(static_cast<int>(ErrorKind::kExhausted)), "");
  EXPECT_EQ(read_file(folder / "a.jsonl"), record.dump() + "\n");
}

TEST(JsonLines, AMissingFolderIsAnError) {
  TemporaryFolder folder;
  EXPECT_THROW(append_json_line(folder / "none/a.jsonl", {}, "-o"), Error);
}

}  // namespace
}  // namespace ziplora
