#include "ziplora/optim/lr_schedule.h"

#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

TEST(LrSchedule, EveryScheduleRisesDuringTheWarmUpAndStartsAtOne) {
  for (const LrSchedule& schedule : lr_schedules()) {
    EXPECT_DOUBLE_EQ(lr_factor(schedule.name, 0, 4, 20), 0.0) << schedule.name;
    EXPECT_DOUBLE_EQ(lr_factor(schedule.name, 3, 4, 20), 0.75) << schedule.name;
    EXPECT_DOUBLE_EQ(lr_factor(schedule.name, 4, 4, 20), 1.0) << schedule.name;
    EXPECT_DOUBLE_EQ(lr_factor(schedule.name, 0, 0, 20), 1.0) << schedule.name;
  }
}

// Values of diffusers.optimization.get_scheduler(name, num_warmup_steps=10, num_training_steps=100) at
// step 55.
TEST(LrSchedule, EqualsDiffusersHalfWay) {
  EXPECT_DOUBLE_EQ(lr_factor("constant", 55, 10, 100), 1.0);
  EXPECT_DOUBLE_EQ(lr_factor("linear", 55, 10, 100), 0.5);
  EXPECT_NEAR(lr_factor("cosine", 55, 10, 100), 0.5, 1e-15);
  EXPECT_NEAR(lr_factor("cosine", 32, 10, 100), 0.8596699, 1e-7);
}

TEST(LrSchedule, NamesTheKnownSchedulesWhenTheNameIsUnknown) {
  try {
    lr_factor("cosin", 0, 0, 1);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(error.hint().find("cosine"), std::string::npos);
  }
}

}  // namespace
}  // namespace ziplora
