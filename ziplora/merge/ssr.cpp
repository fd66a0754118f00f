// The merge method `ssr`: SSR-Merge (arXiv 2606.10617) with the joint context that it lacks. Each layer's up is
// multiplied by a small matrix that gives every adapter its share in every context (row_space_routing.h):
//
//     up ← [up_1 … up_K] · R,     down = [down_1; …; down_K] as it is
//
// It is exact at rank Σ r_k and takes a few forward passes and no gradient. Beyond the paper: a ridge relative to the
// moments, since an absolute one means another thing for each file; contexts with shares; convolutions, whose
// z is what their down passes on at each place; layers that one adapter alone touches are routed too. Layers of
// the text encoders are added directly.
#include <ATen/TensorOperators.h>

#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/layerwise.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/recorded_contexts.h"
#include "ziplora/merge/row_space_routing.h"

namespace ziplora {
namespace {

LoraLayer routed(const LayerParts& parts, const std::vector<RoutedContext>& routes, double ridge) {
  LoraLayer layer = concatenate_layer(parts);
  if (routes.empty()) return layer;
  const at::Tensor up = layer.up.flatten(1).to(at::kDouble).matmul(router(routes, ridge));
  layer.up = up.to(at::kFloat).view(layer.up.sizes());
  return layer;
}

MergeResult run_ssr(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                    MergeContext& context) {
  const std::vector<RecordedContext> contexts =
      record_contexts(inputs, options, MomentsOf::kRowSpace, context);
  MergeResult result =
      merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
        return routed(parts, routes_of(target, parts, contexts), options["ridge"]);
      });
  result.mixes_ranks = true;
  return result;
}

}  // namespace

MergeMethod ssr_method() {
  return {.name = "ssr",
          .summary =
              "each adapter gets its share under each prompt, the joint one too, in closed form (SSR-Merge, "
              "arXiv 2606.10617)",
          .needs_base = true,
          .options = context_table(MomentsOf::kRowSpace),
          .run = run_ssr};
}

}  // namespace ziplora
