#include "ziplora/merge/layerwise.h"

#include <fmt/format.h>

#include <algorithm>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "ziplora/base/error.h"
#include "ziplora/io/mapped_pages.h"
#include "ziplora/lora/vector_deltas.h"

namespace ziplora {
namespace {

/// A stored layer lies behind the larger float32 one that it was made from, which leaves holes in the heap.
/// They add up to a fifth of a large result's size unless they are given back now and then.
constexpr int64_t kLayersBetweenTrims = 32;
void give_back_holes() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace

std::string describe(const MergeInput& input) {
  const std::string file = input.adapter->source.filename().string();
  return file.empty() ? name_of(input.role) : fmt::format("{} ({})", name_of(input.role), file);
}

std::vector<std::string> unique_names(const std::vector<MergeInput>& inputs) {
  std::vector<std::string> names;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const auto same = std::count_if(inputs.begin(), inputs.begin() + static_cast<int64_t>(k),
                                    [&](const MergeInput& input) { return input.role == inputs[k].role; });
    const std::string role = name_of(inputs[k].role);
    names.push_back(same == 0 ? role : fmt::format("{}_{}", role, same + 1));
  }
  return names;
}

std::vector<AdapterTerm> terms_of(const std::vector<MergeInput>& inputs) {
  std::vector<AdapterTerm> terms;
  for (const MergeInput& input : inputs) terms.push_back({input.adapter, input.strength});
  return terms;
}

MergeResult merge_layerwise(const std::vector<MergeInput>& inputs, MergeContext& context,
                            const MergeLayer& merge_layer) {
  if (inputs.empty())
    throw Error(ErrorKind::kUsage, "merge", "there is nothing to merge",
                "give the files with --subject, --style or --adapter");
  const std::vector<AdapterTerm> terms = terms_of(inputs);
  const std::map<std::string, LayerParts> layers = layers_side_by_side(terms);

  MergeResult result;
  Coverage& coverage = result.report.coverage.emplace();
  NullProgress nobody;
  Stage stage(context.progress ? *context.progress : nobody, "merge", static_cast<int64_t>(layers.size()));
  int64_t stored = 0;
  for (const auto& [target, parts] : layers) {
    if (context.cancel) context.cancel->throw_if_cancelled("merge");
    LoraLayer merged = merge_layer(target, parts);
    result.adapter.layers[target] = context.store ? context.store(target, merged) : std::move(merged);
    for (const LayerPart& part : parts) {
      release_mapped_pages(part.layer->down);
      release_mapped_pages(part.layer->up);
    }
    if (context.store && ++stored % kLayersBetweenTrims == 0) give_back_holes();
    coverage.partly_covered += parts.size() < inputs.size();
    stage.step();
  }
  for (const AdapterTerm& term : terms)
    add_vector_deltas(result.adapter.vector_deltas, term.adapter->vector_deltas, term.strength);
  for (const MergeInput& input : inputs)
    coverage.inputs.push_back({describe(input), input.adapter->layers.size()});
  if (coverage.partly_covered > 0 && context.progress)
    context.progress->note(
        fmt::format("{} of {} layers are not in all inputs: they are merged from those that have them",
                    coverage.partly_covered, layers.size()));
  return result;
}

}  // namespace ziplora
