#include "ziplora/base/parallel_parts.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace ziplora {
namespace {

TEST(ParallelParts, EveryPartIsDoneOnce) {
  std::vector<std::atomic<int>> done(100);
  for_each_part(100, 3, [&](int64_t part, int64_t thread) {
    EXPECT_LT(thread, 3);
    ++done[static_cast<size_t>(part)];
  });
  for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
}

TEST(ParallelParts, OneThreadTakesThemInOrder) {
  std::vector<int64_t> order;
  for_each_part(4, 1, [&](int64_t part, int64_t thread) {
    EXPECT_EQ(thread, 0);
    order.push_back(part);
  });
  EXPECT_EQ(order, (std::vector<int64_t>{0, 1, 2, 3}));
}

TEST(ParallelParts, WhatAPartThrowsComesOutAndEndsTheRest) {
  std::atomic<int> done = 0;
  EXPECT_THROW(for_each_part(1000, 2,
                             [&](int64_t part, int64_t) {
                               if (part == 3) throw std::runtime_error("part 3");
                               ++done;
                             }),
               std::runtime_error);
  EXPECT_LT(done, 1000);
}

}  // namespace
}  // namespace ziplora
