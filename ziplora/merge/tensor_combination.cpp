#include "ziplora/merge/tensor_combination.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/lora/factorize.h"
#include "ziplora/merge/dense_delta.h"
#include "ziplora/merge/factor_size.h"
#include "ziplora/merge/factor_sums.h"
#include "ziplora/merge/layerwise.h"
#include "ziplora/merge/task_arithmetic.h"

namespace ziplora {
namespace {

class Combiner {
 public:
  Combiner(TensorCombination combination, MajoritySign majority, uint64_t seed)
      : combination_(std::move(combination)), majority_(majority), seed_(seed) {}

  /// @param tensors  one for each part, all of one shape
  /// @param half     "down", "up" or "delta": each has its own random numbers
  at::Tensor operator()(const std::string& target, const char* half, const LayerParts& parts,
                        const std::vector<at::Tensor>& tensors, const std::vector<double>& weights) const {
    std::vector<at::Tensor> kept;
    for (size_t k = 0; k < parts.size(); ++k)
      kept.push_back(combination_.keep(
          tensors[k], derive_seed(seed_, fmt::format("dare {} {} {}", parts[k].input, half, target))));
    const at::Tensor stacked = at::stack(kept);  // [K, …]
    std::vector<int64_t> shape(stacked.dim(), 1);
    shape[0] = stacked.size(0);
    const at::Tensor weighted = stacked * at::tensor(weights, at::kFloat).view(shape);
    if (combination_.mix == Mix::kSum) return weighted.sum(0);
    return disjoint_mean(weighted, elected_signs(stacked, majority_));
  }

 private:
  const TensorCombination combination_;
  const MajoritySign majority_;
  const uint64_t seed_;
};

MergeResult combine_deltas(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                           MergeContext& context, const Combiner& combine) {
  FactorSize size(factor_size_of(options));
  MergeResult result =
      merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
        std::vector<at::Tensor> deltas;
        std::vector<double> strengths;
        for (const LayerPart& part : parts) {
          deltas.push_back(dense_delta(*part.layer));
          strengths.push_back(part.strength);
        }
        const at::Tensor merged = combine(target, "delta", parts, deltas, strengths);
        return size.take(target, factorize(merged, size.rule(parts)));
      });
  result.report.svd_error = size.error();
  return result;
}

MergeResult combine_factors(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                            MergeContext& context, const Combiner& combine) {
  for (const MergeOption& option : factor_size_table())
    if (options[option.name] != option.default_value)
      throw Error(ErrorKind::kUsage, "merge: --" + option.name,
                  "--on factors makes no SVD, so the rank stays that of the inputs",
                  "use --rank, or --on delta");
  return merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
    require_equal_ranks(target, parts, inputs, "--on delta takes any ranks");
    const FactorShares shares = factor_shares(parts);
    std::vector<at::Tensor> down, up;
    for (const LayerPart& part : parts) {
      down.push_back(part.layer->down.to(at::kFloat));
      up.push_back(part.layer->up.to(at::kFloat));
    }
    return LoraLayer{combine(target, "down", parts, down, shares.down),
                     combine(target, "up", parts, up, shares.up), std::nullopt};
  });
}

}  // namespace

std::vector<MergeOption> combination_table(Mix mix) {
  std::vector<MergeOption> options = {
      {.name = "density",
       .help = "Keep this share of the values, above 0, up to 1",
       .default_value = 0.5,
       .minimum = 0},
      {.name = "on",
       .help =
           "Work on the values of each layer's delta, with an SVD, or of its factors: fast, with cross terms",
       .default_value = "delta",
       .choices = {"delta", "factors"},
       .value_name = "VALUES"}};
  if (mix == Mix::kElectedMean)
    options.push_back({.name = "majority-sign",
                       .help = "Elect the sign of the sum of the values, or of the sum of their signs",
                       .default_value = "total",
                       .choices = {"total", "frequency"},
                       .value_name = "SIGN"});
  for (MergeOption& option : factor_size_table()) options.push_back(std::move(option));
  return options;
}

double density_of(const nlohmann::json& options) {
  const double density = options["density"];
  if (density > 0 && density <= 1) return density;  // refuses NaN, too
  throw Error(ErrorKind::kUsage, "merge: --density",
              fmt::format("{} is not a share above 0, up to 1, which keeps every value", density),
              "for example --density 0.5; an input that should have no effect can be left out");
}

Keep largest_of(const nlohmann::json& options) {
  return [density = density_of(options)](const at::Tensor& values, uint64_t) {
    return keep_largest(values, density);
  };
}

Keep random_of(const nlohmann::json& options) {
  return [density = density_of(options)](const at::Tensor& values, uint64_t seed) {
    return keep_random(values, density, seed);
  };
}

MergeResult combine_adapters(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                             MergeContext& context, TensorCombination combination) {
  const MajoritySign majority =
      options.value("majority-sign", "total") == "total" ? MajoritySign::kTotal : MajoritySign::kFrequency;
  const Combiner combiner(std::move(combination), majority, context.seed);
  MergeResult result = options["on"] == "delta" ? combine_deltas(inputs, options, context, combiner)
                                                : combine_factors(inputs, options, context, combiner);
  result.mixes_ranks = true;
  return result;
}

}  // namespace ziplora
