#include "layer_error_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace ziplora::cli {
namespace {

constexpr size_t kShownLayers = 12;

std::string ranks_text(const nlohmann::json& layer) {
  const int64_t rank = layer["rank"];
  return layer.contains("rank_before") ? fmt::format("{} of {}", rank, layer["rank_before"].get<int64_t>())
                                       : fmt::format("{}", rank);
}

}  // namespace

std::string layer_error_table(const nlohmann::json& report) {
  std::vector<const nlohmann::json*> layers;
  for (const nlohmann::json& layer : report["per_layer"]) layers.push_back(&layer);
  const auto error = [](const nlohmann::json& layer) { return layer["relative_error"].get<double>(); };
  std::stable_sort(layers.begin(), layers.end(),
                   [&](const auto* a, const auto* b) { return error(*a) > error(*b); });
  const size_t shown = std::min(layers.size(), kShownLayers);
  size_t width = 5;
  for (size_t i = 0; i < shown; ++i)
    width = std::max(width, (*layers[i])["layer"].get_ref<const std::string&>().size());
  std::string text = fmt::format("{:<{}}  {:>10}  {:>9}  {:>9}\n", "layer", width, "rank", "norm", "error");
  for (size_t i = 0; i < shown; ++i) {
    const nlohmann::json& layer = *layers[i];
    text += fmt::format("{:<{}}  {:>10}  {:>9.4g}  {:>9.3g}\n", layer["layer"].get<std::string>(), width,
                        ranks_text(layer), layer["norm"].get<double>(), error(layer));
  }
  if (shown < layers.size())
    text += fmt::format("… and {} layers with errors of at most {:.3g}; --json lists them all\n",
                        layers.size() - shown, error(*layers[shown]));
  return text + fmt::format("error of all layers together: {:.3g} of ‖ΔW‖\n",
                            report["relative_error"].get<double>());
}

}  // namespace ziplora::cli
