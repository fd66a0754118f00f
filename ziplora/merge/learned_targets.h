#pragma once
/// The layers for which zip learns coefficients; the others are added directly. The paper learns the UNet's
/// attention; adapters from the web often touch more.
///
///     const LearnedTargets& targets = find_learned_targets("attention");
///     targets.includes("unet.mid_block.….attn1.to_q", /*is_convolution=*/false);   // true

#include <string>
#include <vector>

namespace ziplora {

struct LearnedTargets {
  const char* name;
  const char* summary;
  /// @param target  canonical (lora/adapter.h)
  bool (*includes)(const std::string& target, bool is_convolution);
};

const std::vector<LearnedTargets>& learned_targets();
std::vector<std::string> learned_targets_names();
/// @throws Error(kUsage) with "did you mean"
const LearnedTargets& find_learned_targets(const std::string& name);

bool is_in_unet(const std::string& target);

}  // namespace ziplora
