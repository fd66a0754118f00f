#include "ziplora/base/save_clock.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

TEST(SaveClock, IsDueEverySoManyMinutes) {
  double now = 1000;
  SaveClock clock(5, [&] { return now; });
  EXPECT_FALSE(clock.is_due());
  now += 299;
  EXPECT_FALSE(clock.is_due());
  now += 1;
  EXPECT_TRUE(clock.is_due());
  clock.save([&] { now += 2; });
  now += 299;
  EXPECT_FALSE(clock.is_due());
  now += 1;
  EXPECT_TRUE(clock.is_due());
}

TEST(SaveClock, SavingThatIsSlowIsRare) {
  double now = 0;
  SaveClock clock(1, [&] { return now; });
  clock.save([&] { now += 60; });
  now += 50 * 60 - 1;
  EXPECT_FALSE(clock.is_due());
  now += 1;
  EXPECT_TRUE(clock.is_due());
}

TEST(SaveClock, NoMinutesMeanNever) {
  double now = 0;
  const SaveClock clock(0, [&] { return now; });
  now = 1e9;
  EXPECT_FALSE(clock.is_due());
}

}  // namespace
}  // namespace ziplora
