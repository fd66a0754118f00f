#include "ziplora/analyze/column_alignment.h"

#include <ATen/TensorOperators.h>

namespace ziplora {

ColumnAlignment align_columns(const ColumnFactors& a, const ColumnFactors& b) {
  const at::Tensor norms = (column_products(a, a) * column_products(b, b)).clamp_min(0).sqrt();
  const at::Tensor live = norms > 0;
  const double count = live.sum().item<double>();
  if (count == 0) return {};
  const at::Tensor cosines = column_products(a, b).masked_select(live) / norms.masked_select(live);
  return {.cosine = cosines.sum().item<double>() / count,
          .absolute_cosine = cosines.abs().sum().item<double>() / count};
}

ColumnAlignment align_columns(const LoraLayer& a, const LoraLayer& b) {
  return align_columns(factors_of(a), factors_of(b));
}

}  // namespace ziplora
