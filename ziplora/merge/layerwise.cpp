#include "ziplora/merge/layerwise.h"

#include <fmt/format.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "ziplora/base/error.h"
#include "ziplora/io/mapped_pages.h"
#include "ziplora/lora/vector_deltas.h"

namespace ziplora {
namespace {

/// A stored layer lies behind the larger float32 one that it was made of, so the heap is left with holes: a
/// fifth of a large result's size unless they are given back now and then.
constexpr int64_t kLayersBetweenTrims = 32;
void give_back_holes() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace

std::string name_of(const MergeInput& input) {
  const std::string file = input.adapter->source.filename().string();
  return file.empty() ? input.role : fmt::format("{} ({})", input.role, file);
}

MergeResult merge_layerwise(const std::vector<MergeInput>& inputs, MergeContext& context,
                            const MergeLayer& merge_layer) {
  if (inputs.empty())
    throw Error(ErrorKind::kUsage, "merge", "there is nothing to merge",
                "name the files with --subject, --style or --adapter");
  std::vector<WeightedAdapter> adapters;
  for (const MergeInput& input : inputs) adapters.push_back({input.adapter, input.weight});
  const std::map<std::string, LayerParts> layers = layers_side_by_side(adapters);

  MergeResult result{.adapter = {}, .report = nlohmann::json::object(), .coefficients = {}};
  NullProgress nobody;
  Stage stage(context.progress ? *context.progress : nobody, "merge", static_cast<int64_t>(layers.size()));
  int64_t partly = 0, stored = 0;
  for (const auto& [target, parts] : layers) {
    if (context.cancel) context.cancel->throw_if_cancelled("merge");
    LoraLayer merged = merge_layer(target, parts);
    result.adapter.layers[target] = context.store ? context.store(target, merged) : std::move(merged);
    for (const LayerPart& part : parts) {
      release_mapped_pages(part.layer->down);
      release_mapped_pages(part.layer->up);
    }
    if (context.store && ++stored % kLayersBetweenTrims == 0) give_back_holes();
    partly += parts.size() < inputs.size();
    stage.step();
  }
  for (const WeightedAdapter& input : adapters)
    add_vector_deltas(result.adapter.vector_deltas, input.adapter->vector_deltas, input.weight);
  result.report["partly_covered"] = partly;
  for (const MergeInput& input : inputs)
    result.report["layers_of_inputs"].push_back(
        {{"input", name_of(input)}, {"layers", input.adapter->layers.size()}});
  if (partly > 0 && context.progress)
    context.progress->note(
        fmt::format("{} of {} layers are not in all inputs: they are merged from those that have them",
                    partly, layers.size()));
  return result;
}

}  // namespace ziplora
