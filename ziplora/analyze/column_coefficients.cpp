#include "ziplora/analyze/column_coefficients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace ziplora {
namespace {

/// The products that decide, by input feature: those of a channel's columns are added up.
struct Products {
  at::Tensor parts;       // ⟨B_k, B_l⟩ [in, K, K]
  at::Tensor with_merge;  // ⟨M, B_k⟩ [in, K]
  at::Tensor merge;       // ‖M‖² [in]
};

at::Tensor by_feature(const at::Tensor& columns, int64_t features) {
  return columns.view({features, -1}).sum(1);
}

Products products_of(const std::vector<ColumnFactors>& parts, const ColumnFactors& merged, int64_t features) {
  std::vector<at::Tensor> rows, with_merge;
  for (const ColumnFactors& a : parts) {
    std::vector<at::Tensor> row;
    for (const ColumnFactors& b : parts) row.push_back(by_feature(column_products(a, b), features));
    rows.push_back(at::stack(row, 1));
    with_merge.push_back(by_feature(column_products(merged, a), features));
  }
  return {at::stack(rows, 1), at::stack(with_merge, 1),
          by_feature(column_products(merged, merged), features)};
}

/// Least squares of each feature, with the smallest coefficients where parts are the same.
at::Tensor least_squares(const Products& products) {
  const auto [sizes, directions] = at::linalg_eigh(products.parts);
  const at::Tensor largest = sizes.amax(-1, /*keepdim=*/true);
  const at::Tensor inverse = at::where(sizes > 1e-9 * largest, 1 / sizes, at::zeros_like(sizes));
  const at::Tensor along = directions.transpose(1, 2).matmul(products.with_merge.unsqueeze(2));
  return directions.matmul(inverse.unsqueeze(2) * along).squeeze(2);
}

double residual_of(const Products& products, const at::Tensor& m) {
  const at::Tensor explained = (m.unsqueeze(1).matmul(products.parts).squeeze(1) * m).sum(1);
  return (products.merge - 2 * (products.with_merge * m).sum(1) + explained)
      .sum()
      .clamp_min(0)
      .item<double>();
}

/// Each part with its own ranks alone.
at::Tensor own_coefficients(const std::vector<ColumnFactors>& parts, const std::vector<ColumnFactors>& slices,
                            const at::Tensor& squares, int64_t features) {
  std::vector<at::Tensor> m;
  for (size_t k = 0; k < parts.size(); ++k) {
    const at::Tensor square = squares.select(1, static_cast<int64_t>(k));
    const at::Tensor product = by_feature(column_products(slices[k], parts[k]), features);
    m.push_back(at::where(square > 0, product / square, at::zeros_like(square)));
  }
  return at::stack(m, 1);
}

}  // namespace

std::optional<std::vector<ColumnFactors>> factors_side_by_side(const LayerParts& parts,
                                                               const LoraLayer& merged) {
  int64_t ranks = 0;
  for (const LayerPart& part : parts) ranks += part.layer->rank();
  if (ranks != merged.rank()) return std::nullopt;
  const ColumnFactors whole = factors_of(merged);
  std::vector<ColumnFactors> slices;
  int64_t begin = 0;
  for (const LayerPart& part : parts) {
    const int64_t rank = part.layer->rank();
    slices.push_back({whole.up.narrow(1, begin, rank), whole.down.narrow(0, begin, rank)});
    begin += rank;
  }
  return slices;
}

ColumnCoefficients find_coefficients(const LayerParts& parts, const LoraLayer* merged) {
  std::vector<ColumnFactors> own;
  for (const LayerPart& part : parts) own.push_back(factors_of(*part.layer, part.strength));
  const int64_t features = parts.front().layer->down.size(1);
  const ColumnFactors nothing{at::zeros_like(own.front().up), at::zeros_like(own.front().down)};
  const Products products = products_of(own, merged ? factors_of(*merged) : nothing, features);
  const at::Tensor squares = products.parts.diagonal(0, 1, 2);
  ColumnCoefficients found;
  found.energy = products.merge.sum().item<double>();
  at::Tensor m;
  if (const auto slices = merged ? factors_side_by_side(parts, *merged) : std::nullopt) {
    m = own_coefficients(own, *slices, squares, features);
    found.residual = residual_of(products, m);
  }
  if (!m.defined() || found.residual > kRoundingShare * kRoundingShare * found.energy) {
    m = least_squares(products);
    found.residual = residual_of(products, m);
  }
  const at::Tensor known = at::where(squares > 0, m, at::full_like(m, std::nan("")));
  for (size_t k = 0; k < parts.size(); ++k) found.values.push_back(known.select(1, static_cast<int64_t>(k)));
  return found;
}

}  // namespace ziplora
