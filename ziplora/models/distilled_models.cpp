// Depths and layers: segmind/SSD-1B, segmind/Segmind-Vega, etri-vilab/koala-700m and koala-1b, as
// Comfy-Org/ComfyUI model_detection.py lists them.
#include "ziplora/models/distilled_models.h"

#include <fmt/format.h>

#include <set>

namespace ziplora {
namespace {

constexpr int64_t kContextOfSdxl = 2048;
const std::string kUNet = "model.diffusion_model.";

bool has_prefix(const std::map<std::string, TensorInfo>& tensors, const std::string& prefix) {
  const auto found = tensors.lower_bound(prefix);
  return found != tensors.end() && found->first.starts_with(prefix);
}

/// How many transformer blocks the block has.
int depth_of(const std::map<std::string, TensorInfo>& tensors, const std::string& block) {
  int depth = 0;
  while (has_prefix(tensors, fmt::format("{}{}.transformer_blocks.{}.", kUNet, block, depth))) ++depth;
  return depth;
}

bool attends_to_sdxls_context(const std::map<std::string, TensorInfo>& tensors, const std::string& block) {
  const auto key = tensors.find(kUNet + block + ".transformer_blocks.0.attn2.to_k.weight");
  return key != tensors.end() && key->second.shape.size() == 2 && key->second.shape[1] == kContextOfSdxl;
}

bool is_number(const nlohmann::json& config, const char* field, int64_t number) {
  const auto found = config.find(field);
  return found != config.end() && found->is_number_integer() && *found == number;
}

}  // namespace

std::string distilled_model(const std::map<std::string, TensorInfo>& tensors) {
  if (!has_prefix(tensors, kUNet)) return "";
  // One layer a block: attention comes where SDXL has a downsampler.
  if (attends_to_sdxls_context(tensors, "input_blocks.3.1")) switch (depth_of(tensors, "input_blocks.5.1")) {
      case 5:
        return "KOALA-700M";
      case 6:
        return "KOALA-1B";
      default:
        return "KOALA or another model with one layer a block";
    }
  if (has_prefix(tensors, kUNet + "middle_block.1.")) return "";
  const int first = depth_of(tensors, "input_blocks.4.1"), second = depth_of(tensors, "input_blocks.7.1");
  if (first == 2 && second == 4) return "SSD-1B";
  if (first == 1 && second == 2) return "Segmind-Vega";
  return "SSD-1B, Segmind-Vega or another distilled model (no attention in the middle block)";
}

std::string distilled_model(const nlohmann::json& config) {
  if (!config.is_object() || !is_number(config, "cross_attention_dim", kContextOfSdxl)) return "";
  if (is_number(config, "layers_per_block", 1)) return "KOALA or another model with one layer a block";
  const auto middle = config.find("mid_block_type");
  if (middle == config.end() || (!middle->is_null() && *middle != "UNetMidBlock2D")) return "";
  return "SSD-1B, Segmind-Vega or another distilled model (no attention in the middle block)";
}

}  // namespace ziplora
