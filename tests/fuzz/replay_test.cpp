// Runs the inputs that fuzzing has found interesting, the packs in tests/fuzz/corpus, without a fuzzer.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "fuzz_target.h"
#include "ziplora/base/read_file.h"

namespace ziplora {

/// In FuzzTarget's own namespace, where GoogleTest looks for it.
void PrintTo(const FuzzTarget& target, std::ostream* out) { *out << target.name; }

namespace {

class FuzzCorpus : public testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzCorpus, EndsWithoutAWord) {
  const std::filesystem::path folder = std::filesystem::path(ZIPLORA_FUZZ_CORPUS) / GetParam().name;
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    EXPECT_NO_THROW(GetParam().run(read_file(entry.path()))) << entry.path();
    ++inputs;
  }
  EXPECT_GT(inputs, 0) << folder;
}

INSTANTIATE_TEST_SUITE_P(All, FuzzCorpus, testing::ValuesIn(fuzz_targets()),
                         [](const auto& target) { return target.param.name; });

/// Without this the tests above could not fail.
TEST(FuzzTargets, RequireThrows) { EXPECT_THROW(require(false, "x"), std::logic_error); }

}  // namespace
}  // namespace ziplora
