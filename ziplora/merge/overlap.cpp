#include "ziplora/merge/overlap.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include "ziplora/base/nearest_name.h"

namespace ziplora {
namespace {

at::Tensor mean_products(const PairedColumns& pair) {
  return pair.layer_sum((pair.first * pair.second).abs()) / pair.layer_sizes;
}

at::Tensor sum_products(const PairedColumns& pair) {
  return pair.layer_sum((pair.first * pair.second).abs());
}

at::Tensor dot_product(const PairedColumns& pair) { return pair.layer_sum(pair.first * pair.second).abs(); }

at::Tensor cosine(const PairedColumns& pair) {
  const at::Tensor norms = pair.layer_sum(pair.first.square()) * pair.layer_sum(pair.second.square());
  return pair.layer_sum(pair.first * pair.second).abs() / norms.clamp_min(1e-20).sqrt();
}

}  // namespace

const std::vector<OverlapReading>& overlap_readings() {
  static const std::vector<OverlapReading> table = {
      {"mean-products", "mean of |m_i * m_j| over a layer's columns", mean_products},
      {"sum-products", "sum of |m_i * m_j| over a layer's columns", sum_products},
      {"dot-product", "absolute dot product of a layer's m_i and m_j", dot_product},
      {"cosine", "absolute cosine of a layer's m_i and m_j", cosine},
  };
  return table;
}

const OverlapReading& find_overlap_reading(const std::string& name) {
  std::vector<std::string> names;
  for (const OverlapReading& reading : overlap_readings()) {
    if (name == reading.name) return reading;
    names.push_back(reading.name);
  }
  throw unknown_name("merge: --overlap", name, names);
}

OverlapTerm::OverlapTerm(const MergerLayout& layout, const OverlapReading& reading,
                         const at::TensorOptions& options)
    : reading_(reading) {
  const int64_t layers = static_cast<int64_t>(layout.segments.size());
  layer_of_column_ = at::empty({layout.columns}, at::kLong);
  layer_sizes_ = at::empty({layers}, at::kDouble);
  for (int64_t layer = 0; layer < layers; ++layer) {
    const MergerLayout::Segment& segment = layout.segments[layer];
    layer_of_column_.narrow(0, segment.offset, segment.size).fill_(layer);
    layer_sizes_[layer].fill_(segment.size);
  }
  for (int64_t i = 0; i < layout.adapter_count; ++i) {
    for (int64_t j = i + 1; j < layout.adapter_count; ++j) {
      at::Tensor both_held = at::zeros({layers}, at::kDouble);
      for (int64_t layer = 0; layer < layers; ++layer)
        if (layout.segments[layer].held[i] && layout.segments[layer].held[j]) both_held[layer].fill_(1);
      pairs_.push_back({i, j, both_held.to(options)});
    }
  }
  layer_of_column_ = layer_of_column_.to(options.device());
  layer_sizes_ = layer_sizes_.to(options);
}

at::Tensor OverlapTerm::of_pair(const Pair& pair, const at::Tensor& values) const {
  const std::function<at::Tensor(const at::Tensor&)> layer_sum = [&](const at::Tensor& columns) {
    return at::zeros(layer_sizes_.sizes(), values.options().requires_grad(false))
        .index_add(0, layer_of_column_, columns);
  };
  const at::Tensor first = values.select(0, pair.first), second = values.select(0, pair.second);
  return pair.both_held * reading_.per_layer({first, second, layer_sum, layer_sizes_});
}

at::Tensor OverlapTerm::per_layer(const at::Tensor& values) const {
  at::Tensor total = at::zeros(layer_sizes_.sizes(), values.options().requires_grad(false));
  for (const Pair& pair : pairs_) total = total + of_pair(pair, values);
  return total;
}

at::Tensor OverlapTerm::per_adapter(const at::Tensor& values) const {
  std::vector<at::Tensor> totals(values.size(0),
                                 at::zeros(layer_sizes_.sizes(), values.options().requires_grad(false)));
  for (const Pair& pair : pairs_) {
    const at::Tensor overlap = of_pair(pair, values);
    for (const int64_t k : {pair.first, pair.second}) totals[k] = totals[k] + overlap;
  }
  return at::stack(totals);
}

}  // namespace ziplora
