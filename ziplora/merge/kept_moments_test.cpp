#include "ziplora/merge/kept_moments.h"

#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/safetensors.h"

namespace ziplora {
namespace {

using nlohmann::json;

class Moments : public testing::Test {
 protected:
  const std::filesystem::path file_ = new_temporary_folder("ziplora-moments") / "kept.safetensors";
  const at::Tensor shared_ = at::randn({3, 3}, at::kDouble), own_ = at::randn({2, 2}, at::kDouble);
  const ContextMoments moments_{
      {"a", {shared_, 7, false}}, {"b", {shared_, 7, false}}, {"c", {own_, 2, true}}};
  const json settings_{{"prompts", {"a sks dog"}}, {"seed", 3}};
  NullProgress nobody_;
  ~Moments() override { std::filesystem::remove_all(file_.parent_path()); }
};

TEST_F(Moments, AreFoundAgainUnderTheSameSettings) {
  KeptMoments kept(file_);
  EXPECT_FALSE(kept.find(settings_));
  kept.put(settings_, moments_);
  kept.write(nobody_);
  EXPECT_EQ(SafetensorsFile(file_).tensors().size(), 2U);  // the shared one once

  KeptMoments again(file_);
  EXPECT_FALSE(again.find({{"prompts", {"a sks dog"}}, {"seed", 4}}));
  const std::optional<ContextMoments> found = again.find(settings_);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 3U);
  EXPECT_TRUE(found->at("a").mean.equal(shared_) && found->at("b").mean.equal(shared_));
  EXPECT_TRUE(found->at("c").mean.equal(own_));
  EXPECT_EQ(found->at("a").tokens, 7);
  EXPECT_FALSE(found->at("a").one_an_image);
  EXPECT_TRUE(found->at("c").one_an_image);
}

TEST_F(Moments, OnlyWhatAMergeUsedStays) {
  const json other{{"seed", 5}};
  KeptMoments first(file_);
  first.put(settings_, moments_);
  first.put(other, moments_);
  first.write(nobody_);
  KeptMoments second(file_);
  EXPECT_TRUE(second.find(other));
  second.put({{"seed", 6}}, moments_);
  second.write(nobody_);
  KeptMoments third(file_);
  EXPECT_TRUE(third.find(other));
  EXPECT_FALSE(third.find(settings_));
}

TEST_F(Moments, OfAnotherKindOfFileAreRefused) {
  write_safetensors(file_, {{"a", own_}});
  EXPECT_THROW(KeptMoments{file_}, Error);
}

}  // namespace
}  // namespace ziplora
