// The merge method `zip-solve`: zip's coefficients, one for each column of each adapter's delta, in closed form, layer
// by layer (solved_coefficients.h): a few forward passes instead of a hundred iterations. It has the joint
// prompt by default and no overlap term, and it does not see how merged layers change the inputs of those behind them.
// `zip --start solve` begins its iterations here.
#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/layerwise.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/recorded_contexts.h"
#include "ziplora/merge/solved_coefficients.h"

namespace ziplora {
namespace {

/// Multiplies the columns of each part's down.
LoraLayer folded(const std::string& target, const LayerParts& parts, const NamedTensors& coefficients) {
  std::vector<LoraLayer> layers;
  LayerParts changed = parts;
  for (const LayerPart& part : parts) {
    const at::Tensor& m = coefficients.at(fmt::format("{}.{}", part.input, target));
    layers.push_back({part.layer->down.to(at::kFloat) * m, part.layer->up, part.layer->lora_alpha});
  }
  for (size_t k = 0; k < changed.size(); ++k) changed[k].layer = &layers[k];
  return concatenate_layer(changed);
}

MergeResult run_zip_solve(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                          MergeContext& context) {
  const std::vector<RecordedContext> contexts = record_contexts(inputs, options, MomentsOf::kInputs, context);
  NamedTensors coefficients;
  MergeResult result =
      merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
        const std::vector<RoutedContext> routes = routes_of(target, parts, contexts);
        if (routes.empty()) return concatenate_layer(parts);
        const NamedTensors solved = solved_coefficients(target, parts, routes, options["ridge"]);
        coefficients.insert(solved.begin(), solved.end());
        return folded(target, parts, solved);
      });
  result.coefficients = std::move(coefficients);
  return result;
}

}  // namespace

MergeMethod zip_solve_method() {
  MergeMethod method{
      .name = "zip-solve",
      .summary = "zip's coefficient for each column, in closed form, layer by layer (after ZipLoRA)",
      .needs_base = true,
      .options = context_table(MomentsOf::kInputs),
      .run = run_zip_solve};
  method.options.push_back(input_targets());
  return method;
}

}  // namespace ziplora
