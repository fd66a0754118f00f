#include "ziplora/lora/all_finite.h"

#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ziplora {
namespace {

TEST(AllFinite, SeesOneBadValueAtAnyPlaceAndTakesEveryGoodOne) {
  for (const at::ScalarType dtype : {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    const double largest = dtype == at::kHalf ? 65504 : 3e38;
    for (const int64_t size : {1, 3, 4, 31, 32, 33, 67}) {
      const at::Tensor sound = at::randn({size}).to(dtype);
      EXPECT_TRUE(all_finite(sound)) << toString(dtype) << size;
      for (int64_t place = 0; place < size; ++place) {
        for (const double bad : {std::nan(""), -std::nan(""), std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity()}) {
          at::Tensor broken = sound.clone();
          broken[place] = bad;
          EXPECT_FALSE(all_finite(broken)) << toString(dtype) << " " << place << " of " << size;
        }
        for (const double good : {largest, -largest, 0.0, -0.0, 1e-40}) {
          at::Tensor fine = sound.clone();
          fine[place] = good;
          EXPECT_TRUE(all_finite(fine)) << toString(dtype) << " " << good;
        }
      }
    }
  }
}

TEST(AllFinite, LooksAtWhatAViewShows) {
  at::Tensor matrix = at::randn({4, 6}).to(at::kHalf);
  matrix[1][2] = std::nan("");
  EXPECT_FALSE(all_finite(matrix.t()));
  EXPECT_TRUE(all_finite(matrix.narrow(1, 3, 3)));
  EXPECT_TRUE(all_finite(matrix.narrow(1, 0, 0)));
}

}  // namespace
}  // namespace ziplora
