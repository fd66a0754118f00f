#include "ziplora/analyze/column_alignment.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

namespace ziplora {
namespace {

LoraLayer layer_of(const at::Tensor& delta) { return {at::eye(delta.size(1)), delta, 1.0}; }

TEST(ColumnAlignment, IsTheMeanCosineOfColumns) {
  const at::Tensor a = at::tensor({1.0F, 0.0F, 2.0F, 0.0F, 1.0F, 0.0F}).view({2, 3});
  const at::Tensor b = at::tensor({3.0F, 1.0F, -1.0F, 0.0F, 1.0F, 0.0F}).view({2, 3});
  const ColumnAlignment alignment = align_columns(layer_of(a), layer_of(b));
  EXPECT_NEAR(alignment.cosine, (1 + std::sqrt(0.5) - 1) / 3, 1e-12);
  EXPECT_NEAR(alignment.absolute_cosine, (2 + std::sqrt(0.5)) / 3, 1e-12);
}

TEST(ColumnAlignment, ANegativeAlphaTurnsTheColumns) {
  const LoraLayer layer = layer_of(at::eye(2));
  EXPECT_NEAR(align_columns(layer, {layer.down, layer.up, -2.0}).cosine, -1, 1e-12);
}

TEST(ColumnAlignment, ColumnsOfZerosHaveNoSay) {
  const at::Tensor a = at::tensor({1.0F, 0.0F, 1.0F, 0.0F}).view({2, 2});
  EXPECT_NEAR(align_columns(layer_of(a), layer_of(a)).cosine, 1, 1e-12);
  EXPECT_EQ(align_columns(layer_of(a), layer_of(at::zeros({2, 2}))).cosine, 0);
}

}  // namespace
}  // namespace ziplora
