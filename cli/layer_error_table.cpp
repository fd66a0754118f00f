#include "cli/layer_error_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace ziplora::cli {
namespace {

constexpr size_t kShownLayers = 12;

std::string ranks_text(const LayerApproximation& layer) {
  return layer.rank_before ? fmt::format("{} of {}", layer.rank, *layer.rank_before)
                           : fmt::format("{}", layer.rank);
}

}  // namespace

std::string layer_error_table(const Approximation& approximation) {
  std::vector<LayerApproximation> layers = approximation.per_layer();
  std::stable_sort(layers.begin(), layers.end(),
                   [](const auto& a, const auto& b) { return a.relative_error > b.relative_error; });
  const size_t shown = std::min(layers.size(), kShownLayers);
  size_t width = 5;
  for (size_t i = 0; i < shown; ++i) width = std::max(width, layers[i].layer.size());
  std::string text = fmt::format("{:<{}}  {:>10}  {:>9}  {:>9}\n", "layer", width, "rank", "norm", "error");
  for (size_t i = 0; i < shown; ++i)
    text += fmt::format("{:<{}}  {:>10}  {:>9.4g}  {:>9.3g}\n", layers[i].layer, width, ranks_text(layers[i]),
                        layers[i].norm, layers[i].relative_error);
  if (shown < layers.size())
    text += fmt::format("… and {} layers with errors of at most {:.3g}; --json lists them all\n",
                        layers.size() - shown, layers[shown].relative_error);
  return text + fmt::format("error of all layers together: {:.3g} of ‖ΔW‖\n", approximation.relative_error());
}

}  // namespace ziplora::cli
