#include "ziplora/analyze/sparsity.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

namespace ziplora {
namespace {

TEST(Sparsity, TheLargestValuesKeepTheirEnergy) {
  // ΔW = (1, 2, … 10) as a row: nine tenths zeroed leaves 100 of 385.
  const LoraLayer layer{at::arange(1, 11).view({1, 10}).to(at::kFloat), at::ones({1, 1})};
  const KeptEnergy kept = kept_energy(layer);
  EXPECT_NEAR(kept.values[0], 330.0 / 385, 1e-6);
  EXPECT_NEAR(kept.values[4], 100.0 / 385, 1e-6);
  EXPECT_NEAR(kept.values[6], 100.0 / 385, 1e-6);  // ⌊9.9⌋ of ten
  EXPECT_EQ(kept.columns, kept.values);            // a column has one value
}

TEST(Sparsity, ColumnsAreRankedByTheirNorms) {
  // The second column has the larger values' energy, the first the largest single value.
  const LoraLayer layer{at::eye(2), at::tensor({3.0F, 2.5F, 0.0F, 2.5F}).view({2, 2}), 2.0};
  const KeptEnergy kept = kept_energy(layer);
  EXPECT_NEAR(kept.columns[0], 12.5 / 21.5, 1e-6);
  EXPECT_NEAR(kept.values[0], (9 + 6.25) / 21.5, 1e-6);
}

}  // namespace
}  // namespace ziplora
