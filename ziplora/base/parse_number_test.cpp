#include "ziplora/base/parse_number.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace ziplora {
namespace {

TEST(ParseNumber, WholeNumbersAreReadExactly) {
  EXPECT_EQ(parse_number<int64_t>("-5"), -5);
  EXPECT_EQ(parse_number<int64_t>("+5"), 5);
  EXPECT_EQ(parse_number<int64_t>("010"), 10);
  EXPECT_EQ(parse_number<int64_t>("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(parse_number<uint64_t>("18446744073709551615"), UINT64_MAX);
}

TEST(ParseNumber, RealNumbersAreReadExactly) {
  EXPECT_EQ(parse_number<double>("1e3"), 1000.0);
  EXPECT_EQ(parse_number<double>("-.5"), -0.5);
  EXPECT_EQ(parse_number<double>("5e-324"), 5e-324);
}

TEST(ParseNumber, AnythingElseIsNothing) {
  for (const char* text : {"", " ", "1e3", "9abc", "0x10", "1.0", " 1", "1 ", "--1", "+-1", "++1",
                           "9223372036854775808", "1_000", "１"})
    EXPECT_EQ(parse_number<int64_t>(text), std::nullopt) << text;
  EXPECT_EQ(parse_number<uint64_t>("-1"), std::nullopt);
  for (const char* text :
       {"", "nan", "-inf", "infinity", "1e400", "0x1p3", "1,5", "1e", "1.2.3", " 1", "1\n"})
    EXPECT_EQ(parse_number<double>(text), std::nullopt) << text;
  EXPECT_EQ(parse_number<int64_t>(std::string_view("1\0", 2)), std::nullopt);
}

}  // namespace
}  // namespace ziplora
