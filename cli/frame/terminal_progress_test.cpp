#include "cli/frame/terminal_progress.h"

#include <gtest/gtest.h>

namespace ziplora::cli {
namespace {

TEST(FormatDuration, ChoosesItsUnitByLength) {
  EXPECT_EQ(format_duration(0), "0 s");
  EXPECT_EQ(format_duration(3.4), "3 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(60), "1:00 min");
  EXPECT_EQ(format_duration(123), "2:03 min");
  EXPECT_EQ(format_duration(3599), "59:59 min");
  EXPECT_EQ(format_duration(3600), "1:00 h");
  EXPECT_EQ(format_duration(3723), "1:02 h");
  EXPECT_EQ(format_duration(36 * 3600.0), "36:00 h");
}

TEST(FormatDuration, RoundsBeforeItChoosesTheUnit) {
  EXPECT_EQ(format_duration(59.5), "1:00 min");
  EXPECT_EQ(format_duration(3599.5), "1:00 h");
}

}  // namespace
}  // namespace ziplora::cli
