#include "ziplora/io/sealed_safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

class SealedSafetensors : public testing::Test {
 protected:
  void SetUp() override {
    const NamedTensors tensors{{"b", at::arange(100, at::kHalf)}, {"a", at::ones({3, 5}, at::kFloat)}};
    write_sealed_safetensors(path_, tensors, {{"name", "caf\xE9 and \"quotes\""}, {"z", "1"}});
  }
  void check() const { require_seal(SafetensorsFile(path_), "train: x", "resume from another"); }
  std::string problem_of(const std::string& bytes) const {
    write_text_file(path_, bytes);
    try {
      check();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      return error.problem();
    }
    return "";
  }

  const TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "x.safetensors";
};

TEST_F(SealedSafetensors, AreTakenAsTheyWereWritten) {
  EXPECT_NO_THROW(check());
  const SafetensorsFile file(path_);
  EXPECT_EQ(file.metadata().at("name"), "caf\uFFFD and \"quotes\"");
  EXPECT_TRUE(file.tensor("b").equal(at::arange(100, at::kHalf)));
}

TEST_F(SealedSafetensors, EveryBitCounts) {
  const std::string whole = read_file(path_);
  for (size_t byte = 0; byte < whole.size(); ++byte)
    for (const int bit : {static_cast<int>(byte % 8), static_cast<int>((byte + 5) % 8)}) {
      std::string damaged = whole;
      damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << bit));
      EXPECT_NE(problem_of(damaged), "") << "bit " << bit << " of byte " << byte;
    }
}

TEST_F(SealedSafetensors, ZeroedPiecesAndOtherLengthsAreRefused) {
  const std::string whole = read_file(path_);
  for (size_t begin = 0; begin + 16 <= whole.size(); begin += 16) {
    std::string damaged = whole;
    damaged.replace(begin, 16, 16, '\0');
    if (damaged != whole) {
      EXPECT_NE(problem_of(damaged), "") << begin;
    }
  }
  for (const size_t size : {size_t{0}, size_t{7}, whole.size() / 2, whole.size() - 1})
    EXPECT_NE(problem_of(whole.substr(0, size)), "") << size;
  EXPECT_NE(problem_of(whole + '\0'), "");
}

TEST_F(SealedSafetensors, AFileWithoutADigestIsNotTaken) {
  write_safetensors(path_, {{"a", at::ones({2})}}, {{"name", "x"}});
  EXPECT_NE(problem_of(read_file(path_)).find("no digest"), std::string::npos);
}

}  // namespace
}  // namespace ziplora
