#include "ziplora/merge/solved_coefficients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/moment_solve.h"

namespace ziplora {
namespace {

/// H: [parts · in, parts · in]
at::Tensor quadratic(const std::vector<at::Tensor>& downs, const std::vector<at::Tensor>& ups,
                     const at::Tensor& all) {
  std::vector<at::Tensor> rows;
  for (size_t k = 0; k < downs.size(); ++k) {
    std::vector<at::Tensor> blocks;
    for (size_t l = 0; l < downs.size(); ++l)
      blocks.push_back(downs[k].t().matmul(ups[k].t().matmul(ups[l]).matmul(downs[l])).mul_(all));
    rows.push_back(at::cat(blocks, 1));
  }
  return at::cat(rows, 0);
}

/// b: [parts, in]
at::Tensor linear_term(const at::Tensor& down, const at::Tensor& up, const std::vector<at::Tensor>& downs,
                       const std::vector<at::Tensor>& ups, const std::vector<RoutedContext>& contexts) {
  at::Tensor term = at::zeros({static_cast<int64_t>(downs.size()), down.size(1)}, at::kDouble);
  for (const RoutedContext& context : contexts) {
    const at::Tensor asked = (context.shares.unsqueeze(1) * down).matmul(context.moments);  // [R, in]
    for (size_t k = 0; k < downs.size(); ++k)
      term[static_cast<int64_t>(k)] +=
          context.weight * (downs[k] * ups[k].t().matmul(up).matmul(asked)).sum(0);
  }
  return term;
}

}  // namespace

at::Tensor solve_coefficients(const at::Tensor& down, const at::Tensor& up, const std::vector<int64_t>& ranks,
                              const std::vector<RoutedContext>& contexts, double ridge) {
  const std::vector<at::Tensor> downs = down.split_with_sizes(ranks, 0), ups = up.split_with_sizes(ranks, 1);
  at::Tensor all = at::zeros_like(contexts.front().moments);
  for (const RoutedContext& context : contexts) all += context.weight * context.moments;
  at::Tensor h = quadratic(downs, ups, all);
  at::Tensor b = linear_term(down, up, downs, ups, contexts);
  // Where nothing at all came through, the plain sum stays.
  if (h.diagonal().max().item<double>() == 0) return at::ones_like(b);
  const double held = ridge * h.diagonal().mean().item<double>();
  h.diagonal() += held;
  b += held;
  return divide_by_moments(b.view({1, -1}), h).view(b.sizes());
}

NamedTensors solved_coefficients(const std::string& target, const LayerParts& parts,
                                 const std::vector<RoutedContext>& contexts, double ridge) {
  const LoraLayer layer = concatenate_layer(parts);
  std::vector<int64_t> ranks;
  for (const LayerPart& part : parts) ranks.push_back(part.layer->rank());
  const at::Tensor m =
      solve_coefficients(layer.down.to(at::kDouble), layer.up.to(at::kDouble), ranks, contexts, ridge);
  NamedTensors named;
  for (size_t k = 0; k < parts.size(); ++k)
    named[fmt::format("{}.{}", parts[k].input, target)] = m[static_cast<int64_t>(k)].to(at::kFloat);
  return named;
}

}  // namespace ziplora
