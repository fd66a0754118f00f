#include "ziplora/train/trained_targets.h"

#include <algorithm>
#include <array>

#include "ziplora/base/nearest_name.h"

namespace ziplora {
namespace {

bool is_in_transformer(std::string_view path) { return path.find(".attentions.") != std::string_view::npos; }

bool is_in_attention(std::string_view path) {
  static constexpr std::array<std::string_view, 4> kProjections{".to_q", ".to_k", ".to_v", ".to_out.0"};
  return is_in_transformer(path) &&
         std::any_of(kProjections.begin(), kProjections.end(),
                     [&](std::string_view projection) { return path.ends_with(projection); });
}

bool is_in_cross_attention(std::string_view path) {
  return is_in_attention(path) && path.find(".attn2.") != std::string_view::npos;
}

}  // namespace

const std::vector<TrainedTargets>& trained_targets() {
  static const std::vector<TrainedTargets> table = {
      {"attention", is_in_attention},
      {"cross-attention", is_in_cross_attention},
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
