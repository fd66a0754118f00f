#include "ziplora/train/trained_targets.h"

#include "ziplora/base/nearest_name.h"
#include "ziplora/lora/attention_projection.h"

namespace ziplora {
namespace {

bool is_in_transformer(std::string_view path) { return path.find(".attentions.") != std::string_view::npos; }

}  // namespace

const std::vector<TrainedTargets>& trained_targets() {
  static const std::vector<TrainedTargets> table = {
      {"attention", is_attention_projection},
      {"cross-attention", is_cross_attention_projection},
      {"linear", is_in_transformer},
  };
  return table;
}

std::vector<std::string> trained_targets_names() {
  std::vector<std::string> names;
  for (const TrainedTargets& targets : trained_targets()) names.push_back(targets.name);
  return names;
}

const TrainedTargets& find_trained_targets(const std::string& name) {
  for (const TrainedTargets& targets : trained_targets())
    if (name == targets.name) return targets;
  throw unknown_name("train: --targets", name, trained_targets_names());
}

}  // namespace ziplora
