#include "ziplora/merge/learned_targets.h"

#include "ziplora/base/nearest_name.h"
#include "ziplora/lora/attention_projection.h"

namespace ziplora {

bool is_in_unet(const std::string& target) { return target.starts_with("unet."); }

const std::vector<LearnedTargets>& learned_targets() {
  static const std::vector<LearnedTargets> table = {
      {"attention", "q, k, v and out of the UNet's attention, as in the paper",
       [](const std::string& target, bool) { return is_in_unet(target) && is_attention_projection(target); }},
      {"linear", "every linear layer of the UNet",
       [](const std::string& target, bool is_convolution) { return is_in_unet(target) && !is_convolution; }},
      {"all", "every layer of the UNet", [](const std::string& target, bool) { return is_in_unet(target); }},
  };
  return table;
}

std::vector<std::string> learned_targets_names() {
  std::vector<std::string> names;
  for (const LearnedTargets& targets : learned_targets()) names.push_back(targets.name);
  return names;
}

const LearnedTargets& find_learned_targets(const std::string& name) {
  for (const LearnedTargets& targets : learned_targets())
    if (name == targets.name) return targets;
  throw unknown_name("merge: --targets", name, learned_targets_names());
}

}  // namespace ziplora
