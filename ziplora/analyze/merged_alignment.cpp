#include "ziplora/analyze/merged_alignment.h"

#include <ATen/TensorOperators.h>

#include <cmath>

namespace ziplora {
namespace {

double sum_of(const at::Tensor& values) { return values.sum().item<double>(); }

}  // namespace

MergedAlignment align_in_merge(const ColumnFactors& a, const ColumnFactors& b,
                               const ColumnFactors& a_in_merge, const ColumnFactors& b_in_merge) {
  const at::Tensor of_a = column_products(a, a), of_b = column_products(b, b);
  return {.before = align_columns(a, b),
          .after = align_columns(a_in_merge, b_in_merge),
          .products_before = sum_of(column_products(a, b).abs()),
          .products_after = sum_of(column_products(a_in_merge, b_in_merge).abs()),
          .lengths = sum_of((of_a * of_b).clamp_min(0).sqrt()),
          .norms = std::sqrt(sum_of(of_a) * sum_of(of_b))};
}

}  // namespace ziplora
