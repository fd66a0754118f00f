#pragma once
/// Which layers of the UNet a LoRA is trained on.
///
///     find_trained_targets("attention").includes("down_blocks.1.attentions.0.….attn1.to_q");   // true

#include <string>
#include <string_view>
#include <vector>

namespace ziplora {

struct TrainedTargets {
  const char* name;
  bool (*includes)(std::string_view path);  ///< path of a linear layer in the UNet
};

/// - attention: to_q, to_k, to_v, to_out.0 of every attention, 560 layers in SDXL; the paper's and diffusers'
///   choice
/// - cross-attention: the same of attn2 alone, 280 layers, which read the prompt (Concept Sliders, arXiv
///   2311.12092, "xattn"); learns what words look like and little of where things stand
/// - linear: every linear layer of the transformers, 722 layers; kohya's choice
const std::vector<TrainedTargets>& trained_targets();
std::vector<std::string> trained_targets_names();
/// @throws Error(kUsage) with "did you mean"
const TrainedTargets& find_trained_targets(const std::string& name);

}  // namespace ziplora
