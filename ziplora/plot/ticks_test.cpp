#include "ziplora/plot/ticks.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace ziplora {
namespace {

std::string texts_of(const std::vector<Tick>& ticks) {
  std::string all;
  for (const Tick& tick : ticks) all += tick.text + "|";
  return all;
}

TEST(Ticks, StandAtRoundNumbers) {
  EXPECT_EQ(texts_of(ticks_of({.label = "", .low = 0, .high = 1})), "0.0|0.2|0.4|0.6|0.8|1.0|");
  EXPECT_EQ(texts_of(ticks_of({.label = "", .low = -0.02, .high = 0.03})),
            "−0.02|−0.01|0.00|0.01|0.02|0.03|");
  EXPECT_EQ(texts_of(ticks_of({.label = "", .low = 0.5, .high = 1, .percent = true})),
            "50 %|60 %|70 %|80 %|90 %|100 %|");
  EXPECT_EQ(texts_of(ticks_of({.label = "", .low = 3, .high = 3})), "3|");
}

TEST(Ticks, AnAxisHoldsWhatIsFinite) {
  const std::array values = {0.31, std::nan(""), -0.07, HUGE_VAL};
  const Axis axis = axis_for("cosine", values, false);
  EXPECT_NEAR(axis.low, -0.1, 1e-12);
  EXPECT_NEAR(axis.high, 0.4, 1e-12);
  EXPECT_EQ(axis_for("", std::array{0.31, 0.4}, true).low, 0);
  EXPECT_EQ(axis_for("", {}, false).high, 1);
}

}  // namespace
}  // namespace ziplora
