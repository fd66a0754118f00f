// The merge method `breadcrumbs`: Model Breadcrumbs, arXiv 2312.06795. Drops each input's largest values as
// outliers and its smallest as noise:
//
//     ΔW  = Σ_k w_k ΔW_k ⊙ m_k
//     m_k = 1 for the share `density` of largest magnitude after the share `outliers`, else 0
//
// The paper's γ is 1 − outliers, its β is 1 − outliers − density. Where density and outliers add up to more
// than all values, fewer outliers are dropped, as in arcee-ai/mergekit (mergekit/sparsify.py,
// magnitude_outliers).
#include <ATen/TensorOperators.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "ziplora/base/error.h"
#include "ziplora/merge/tensor_combination.h"

namespace ziplora {
namespace {

at::Tensor keep_middle(const at::Tensor& values, double density, double outliers) {
  if (density >= 1) return values;
  const at::Tensor flat = values.reshape({-1});
  const auto count = static_cast<double>(flat.numel());
  const auto kept = static_cast<int64_t>(density * count);
  const int64_t dropped = std::min(static_cast<int64_t>(outliers * count), flat.numel() - kept);
  const at::Tensor middle = std::get<1>(flat.abs().topk(dropped + kept)).slice(0, dropped);
  at::Tensor result = at::zeros_like(flat);
  result.index_copy_(0, middle, flat.index_select(0, middle));
  return result.view(values.sizes());
}

double outliers_of(const nlohmann::json& options) {
  const double outliers = options["outliers"];
  if (outliers >= 0 && outliers < 1) return outliers;  // refuses NaN, too
  throw Error(ErrorKind::kUsage, "merge: --outliers",
              fmt::format("{} is not a share from 0, which drops none, to below 1", outliers),
              "for example --outliers 0.01");
}

constexpr double kOutliers = 0.01;

void warn_if_there_is_no_room(const nlohmann::json& options, MergeContext& context) {
  const double density = options["density"], outliers = options["outliers"];
  if (context.progress != nullptr && density + outliers > 1 && outliers != kOutliers)
    context.progress->warning(fmt::format(
        "--density {} and --outliers {} add up to more than 1: only {:.3g} of the largest values are dropped",
        density, outliers, 1 - density));
}

std::vector<MergeOption> breadcrumbs_options() {
  std::vector<MergeOption> options = combination_table(Mix::kSum);
  options.insert(options.begin() + 1, {.name = "outliers",
                                       .help = "Drop this share of the largest values, from 0 to below 1",
                                       .default_value = kOutliers,
                                       .minimum = 0});
  return options;
}

}  // namespace

MergeMethod breadcrumbs_method() {
  return {
      .name = "breadcrumbs",
      .summary = "the sum of each input's values without the largest and the smallest (arXiv 2312.06795)",
      .needs_base = false,
      .options = breadcrumbs_options(),
      .run = [](const std::vector<MergeInput>& inputs, const nlohmann::json& options, MergeContext& context) {
        warn_if_there_is_no_room(options, context);
        const auto keep = [density = density_of(options), outliers = outliers_of(options)](
                              const at::Tensor& values, uint64_t) {
          return keep_middle(values, density, outliers);
        };
        return combine_adapters(inputs, options, context, {keep, Mix::kSum});
      }};
}

}  // namespace ziplora
