#include "ziplora/base/nearest_name.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

const std::vector<std::string> kNames{"ddim", "euler", "euler-ancestral", "dpm++-2m"};

TEST(NearestName, ProposesTheIntendedNameForASlip) {
  EXPECT_EQ(nearest_name("eluer", kNames), "euler");  // a swap is one edit
  EXPECT_EQ(nearest_name("euler-ancestrel", kNames), "euler-ancestral");
  EXPECT_EQ(nearest_name("dim", kNames), "ddim");
}

TEST(NearestName, ProposesNothingForAnotherWord) {
  EXPECT_EQ(nearest_name("heun", kNames), std::nullopt);
  EXPECT_EQ(nearest_name("", kNames), std::nullopt);
}

TEST(NearestName, ErrorListsWhatThereIs) {
  const Error error = unknown_name("generate: --scheduler", "eluer", kNames);
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_NE(error.problem().find("ddim, euler, euler-ancestral"), std::string::npos);
  EXPECT_EQ(error.hint(), "did you mean 'euler'?");
}

}  // namespace
}  // namespace ziplora
