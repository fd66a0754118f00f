// The merge method `route`: each adapter's down is turned so that it answers to the inputs of the contexts that are to
// get it (input_routing.h). It is RegMean (arXiv 2212.09849) on ΔW with shares, a joint context and a ridge that pulls
// to the plain sum; exact at rank Σ r_k. Convolutions, whose inputs are patches, and the text encoders are added
// directly; so are layers that --targets leaves out. `ssr` does the same in the row space of the downs, with fewer
// tokens and less memory.
#include <ATen/TensorOperators.h>

#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/input_routing.h"
#include "ziplora/merge/layerwise.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/recorded_contexts.h"

namespace ziplora {
namespace {

LoraLayer routed(const LayerParts& parts, const std::vector<RoutedContext>& routes, double ridge) {
  LoraLayer layer = concatenate_layer(parts);
  if (!routes.empty()) layer.down = routed_downs(layer.down.to(at::kDouble), routes, ridge).to(at::kFloat);
  return layer;
}

MergeResult run_route(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                      MergeContext& context) {
  const std::vector<RecordedContext> contexts = record_contexts(inputs, options, MomentsOf::kInputs, context);
  return merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
    return routed(parts, routes_of(target, parts, contexts), options["ridge"]);
  });
}

}  // namespace

MergeMethod route_method() {
  MergeMethod method{
      .name = "route",
      .summary =
          "turns each down to the inputs of the prompts that are to get it, in closed form (RegMean, arXiv "
          "2212.09849)",
      .needs_base = true,
      .options = context_table(MomentsOf::kInputs),
      .run = run_route};
  method.options.push_back(input_targets());
  return method;
}

}  // namespace ziplora
