#include "ziplora/analyze/column_alignment.h"

#include <ATen/TensorOperators.h>

namespace ziplora {
namespace {

struct Factors {
  at::Tensor up, down;  // [out, rank] with the scale, which may be negative, and [rank, columns]; float64
};

Factors factors_of(const LoraLayer& layer) {
  return {layer.up.to(at::kDouble).flatten(1) * layer.scale(), layer.down.to(at::kDouble).flatten(1)};
}

/// ⟨a_j, b_j⟩ for each column j: [columns].
at::Tensor column_products(const Factors& a, const Factors& b) {
  return (a.down * a.up.t().matmul(b.up).matmul(b.down)).sum(0);
}

}  // namespace

ColumnAlignment align_columns(const LoraLayer& a, const LoraLayer& b) {
  const Factors left = factors_of(a), right = factors_of(b);
  const at::Tensor norms = (column_products(left, left) * column_products(right, right)).clamp_min(0).sqrt();
  const at::Tensor live = norms > 0;
  const double count = live.sum().item<double>();
  if (count == 0) return {};
  const at::Tensor cosines = column_products(left, right).masked_select(live) / norms.masked_select(live);
  return {.cosine = cosines.sum().item<double>() / count,
          .absolute_cosine = cosines.abs().sum().item<double>() / count};
}

}  // namespace ziplora
