#include "ziplora/io/hashed_safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/sha256.h"

namespace ziplora {
namespace {

const NamedTensors kTensors{{"b", at::arange(100000, at::kHalf)}, {"a", at::ones({3, 5}, at::kFloat)}};

TEST(HashedSafetensors, TellTheDigestOfTheirOwnData) {
  const TemporaryFolder folder;
  const auto metadata_of = [](const std::string& sha256) { return StringMap{{"hash", sha256}, {"x", "1"}}; };
  write_hashed_safetensors(folder / "hashed", kTensors, metadata_of);
  const SafetensorsFile file(folder / "hashed");
  EXPECT_EQ(file.metadata().at("hash"), sha256_of_tensors(file));
  write_safetensors(folder / "plain", kTensors, metadata_of(sha256_of_tensors(file)));
  EXPECT_EQ(read_file(folder / "hashed"), read_file(folder / "plain"));
}

TEST(HashedSafetensors, LeaveNothingWhereTheSizeDependsOnTheDigest) {
  const TemporaryFolder folder;
  const auto metadata_of = [](const std::string& sha256) {
    return StringMap{{"hash", sha256.front() == '0' ? "" : sha256}};
  };
  EXPECT_THROW(write_hashed_safetensors(folder / "out", kTensors, metadata_of), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace ziplora
