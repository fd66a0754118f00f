#include "studio/csv_rows.h"

#include <gtest/gtest.h>

namespace ziplora::studio {
namespace {

TEST(CsvRows, ReadsQuotesCommasAndLineEnds) {
  const auto rows = csv_rows("name,\"of, it\"\r\nplain,1\n\"a, \"\"b\"\"\nc\",\n\ntoo,many,fields\n\"open,2");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].at("name"), "plain");
  EXPECT_EQ(rows[0].at("of, it"), "1");
  EXPECT_EQ(rows[1].at("name"), "a, \"b\"\nc");
  EXPECT_EQ(rows[1].at("of, it"), "");
  EXPECT_TRUE(csv_rows("").empty());
}

}  // namespace
}  // namespace ziplora::studio
