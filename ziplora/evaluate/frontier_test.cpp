#include "ziplora/evaluate/frontier.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

TEST(Frontier, HoldsWhatNothingIsAheadOfInBoth) {
  for (const Behind& behind : behind_frontier({{0.9, 0.1}, {0.5, 0.5}, {0.1, 0.9}})) {
    EXPECT_EQ(behind.by, 0);
    EXPECT_FALSE(behind.leads);
  }
}

/// (0.3, 0.3) needs 0.2 of both to reach (0.5, 0.5), which leads it further than (0.9, 0.4) does.
TEST(Frontier, ThePointFurthestAheadInBothSaysHowFarBehind) {
  const Behind behind = behind_frontier({{0.3, 0.3}, {0.9, 0.4}, {0.5, 0.5}})[0];
  EXPECT_NEAR(behind.by, 0.2, 1e-12);
  EXPECT_EQ(behind.leads, 2U);
}

/// With what it lacks, and no less, a point is on the frontier.
TEST(Frontier, AddingWhatIsMissingLeadsThere) {
  const std::vector<AxesPoint> points = {{0.3, 0.3}, {0.9, 0.4}, {0.5, 0.5}, {0.2, 0.8}};
  for (size_t i = 0; i < points.size(); ++i) {
    const double by = behind_frontier(points)[i].by;
    std::vector<AxesPoint> moved = points;
    moved[i] = {points[i].subject + by + 1e-9, points[i].style + by + 1e-9};
    EXPECT_EQ(behind_frontier(moved)[i].by, 0);
    if (by == 0) continue;
    moved[i] = {points[i].subject + by - 1e-3, points[i].style + by - 1e-3};
    EXPECT_GT(behind_frontier(moved)[i].by, 0);
  }
}

/// Equal in one figure is not ahead in both.
TEST(Frontier, ATieInOneFigureStaysOnTheFrontier) {
  EXPECT_EQ(behind_frontier({{0.5, 0.5}, {0.5, 0.9}})[0].by, 0);
  EXPECT_EQ(behind_frontier({{0.5, 0.5}})[0].by, 0);
  EXPECT_TRUE(behind_frontier({}).empty());
}

}  // namespace
}  // namespace ziplora
