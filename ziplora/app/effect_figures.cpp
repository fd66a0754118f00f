#include "ziplora/app/effect_figures.h"

#include "ziplora/app/layer_charts.h"

namespace ziplora {
namespace {

NamedLayers series_of(const std::string& name, const AdapterEffects& effects, double Effect::*measure) {
  NamedLayers series{name, {}};
  for (const auto& [target, effect] : effects.by_layer) series.values[target] = effect.*measure;
  return series;
}

}  // namespace

std::map<std::string, std::string> figures_of(const std::vector<ContextEffects>& effects,
                                              const std::vector<std::string>& files,
                                              const std::vector<std::string>& order) {
  if (effects.empty() || effects.back().name != "joint") return {};
  std::vector<NamedLayers> kept, sizes;
  for (size_t k = 0; k < effects.back().adapters.size(); ++k) {
    const AdapterEffects &own = effects[k].adapters[k], &joint = effects.back().adapters[k];
    const std::string& name = files[joint.file];
    kept.push_back(series_of(name, joint, &Effect::kept));
    sizes.push_back(series_of(name + ", own prompt", own, &Effect::size));
    sizes.push_back(series_of(name + ", joint prompt", joint, &Effect::size));
  }
  return {{"effect-kept.svg", chart_by_layer("What the merge keeps of each effect under the joint prompt",
                                             "share of the adapter's own effect", order, kept)},
          {"effect-size.svg", chart_by_layer("How large each effect is beside the base's output",
                                             "‖ΔW x‖ / ‖W x‖", order, sizes)}};
}

}  // namespace ziplora
