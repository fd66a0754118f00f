#include "ziplora/base/mapped_input.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <thread>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
constexpr size_t kSizeBytes = 1 << 20;

class MappedInputTest : public testing::Test {
 protected:
  MappedInputTest() {
    write_text_file(path_, std::string(kSizeBytes, 'x'));
    fs::last_write_time(path_, fs::file_time_type::clock::now() - std::chrono::days(1));
  }
  void TearDown() override { EXPECT_NO_THROW(require_unchanged_inputs()) << "the next test would fail"; }

  /// Of the next check. @return empty if it passes
  static std::string problem() {
    try {
      require_unchanged_inputs();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      EXPECT_FALSE(error.hint().empty());
      return error.problem();
    }
    return "";
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_ / "input";
};

TEST_F(MappedInputTest, HoldsTheFile) {
  const MappedInput map(path_, "a file");
  EXPECT_EQ(std::string_view(reinterpret_cast<char*>(map.bytes()), map.size_bytes()),
            std::string(kSizeBytes, 'x'));
  map.bytes()[0] = 'y';
  EXPECT_EQ(std::ifstream(path_).get(), 'x');
  EXPECT_EQ(problem(), "");
}

TEST_F(MappedInputTest, PagesThatAreGoneReadAsZerosAndAreAnError) {
  {
    const MappedInput map(path_, "a file");
    fs::resize_file(path_, 100);
    std::jthread([&] { EXPECT_EQ(map.bytes()[kSizeBytes / 2], 0); }).join();  // in whichever thread
    EXPECT_EQ(map.bytes()[kSizeBytes - 1], 0);
    EXPECT_NE(problem().find("had 1048576 bytes, now it has 100"), std::string::npos);
    fs::resize_file(path_, kSizeBytes);
  }
  EXPECT_NE(problem(), "");
}

TEST_F(MappedInputTest, WhatWasMadeOfAChangedFileGetsNoName) {
  const auto write_result = [&] {
    const MappedInput map(path_, "a file");
    AtomicFile result(folder_ / "result");
    result.write(map.bytes(), 10);
    std::ofstream(path_, std::ios::in | std::ios::out) << "another";  // of the same length
    result.commit();
  };
  EXPECT_THROW(write_result(), Error);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
  EXPECT_NE(problem(), "");  // when the map went, it had changed still
}

TEST_F(MappedInputTest, WritingFromPagesThatAreGoneSaysSo) {
  auto map = std::make_unique<MappedInput>(path_, "a file");
  AtomicFile result(folder_ / "result");
  fs::resize_file(path_, 0);
  try {
    result.write(map->bytes(), kSizeBytes);  // the kernel reads here: EFAULT and no signal
    FAIL() << "zeros were written";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
  }
  map.reset();
  EXPECT_NE(problem(), "");
}

TEST_F(MappedInputTest, AChangeBehindAClosedMapIsTheNextChecksErrorOnce) {
  {
    const MappedInput map(path_, "a file");
    fs::resize_file(path_, 5);
  }
  EXPECT_NE(problem(), "");
  EXPECT_EQ(problem(), "");
}

TEST_F(MappedInputTest, AFileThatIsReplacedAsAWholeStaysWhatItWas) {
  const MappedInput map(path_, "a file");
  write_text_file(path_, "new");
  EXPECT_EQ(map.bytes()[kSizeBytes - 1], 'x');
  EXPECT_EQ(problem(), "");
}

TEST_F(MappedInputTest, OtherMemoryStillEndsTheProgram) {
  const auto touch_the_end_of_another_map = [] {
    const int file = ::memfd_create("short", 0);
    if (::ftruncate(file, 1) != 0) return;
    auto* bytes = static_cast<volatile char*>(::mmap(nullptr, 1 << 20, PROT_READ, MAP_PRIVATE, file, 0));
    static_cast<void>(bytes[1 << 19]);
  };
  const MappedInput map(path_, "a file");
  EXPECT_EXIT(touch_the_end_of_another_map(), testing::KilledBySignal(SIGBUS), "");
}

}  // namespace
}  // namespace ziplora
