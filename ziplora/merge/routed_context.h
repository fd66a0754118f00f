#pragma once
/// What the closed forms take of one layer in one context: their common input.
///
///     const RoutedContext own{.weight = 1, .moments = z.t().matmul(z) / tokens, .shares = shares};

#include <ATen/core/Tensor.h>

#include <vector>

namespace ziplora {

struct RoutedContext {
  /// a_c
  double weight;
  /// [n, n] float64: of the inputs (n = in) or of the row space (n = R)
  at::Tensor moments;
  /// [R] float64: g of the adapter that each rank belongs to
  at::Tensor shares;
};

}  // namespace ziplora
