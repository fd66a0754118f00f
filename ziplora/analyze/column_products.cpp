#include "ziplora/analyze/column_products.h"

#include <ATen/TensorOperators.h>

namespace ziplora {

ColumnFactors factors_of(const LoraLayer& layer, double strength) {
  return {layer.up.to(at::kDouble).flatten(1) * (layer.scale() * strength),
          layer.down.to(at::kDouble).flatten(1)};
}

at::Tensor column_products(const ColumnFactors& a, const ColumnFactors& b) {
  return (a.down * a.up.t().matmul(b.up).matmul(b.down)).sum(0);
}

}  // namespace ziplora
