#include "ziplora/base/dtype_name.h"

#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

TEST(DtypeName, EveryNameIsReadBack) {
  ASSERT_EQ(dtype_names().size(), 3u);
  for (const std::string& name : dtype_names()) EXPECT_EQ(dtype_name(parse_dtype(name, "here")), name);
}

TEST(DtypeName, ShortNamesMeanTheSame) {
  for (const auto& [short_name, dtype] : {std::pair("f16", at::kHalf),
                                          {"fp16", at::kHalf},
                                          {"bf16", at::kBFloat16},
                                          {"f32", at::kFloat},
                                          {"fp32", at::kFloat}})
    EXPECT_EQ(parse_dtype(short_name, "here"), dtype) << short_name;
}

TEST(DtypeName, ASlipGetsAProposalWhereTheCallerSaysItStands) {
  try {
    parse_dtype("flaot16", "train: --dtype");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(error.where(), "train: --dtype");
    EXPECT_NE(error.hint().find("float16"), std::string::npos) << error.hint();
  }
}

TEST(DtypeName, ATypeThatNoFlagNamesIsOurBug) { EXPECT_THROW(dtype_name(at::kDouble), Error); }

}  // namespace
}  // namespace ziplora
