#include "tiny_targets.h"

namespace ziplora {
namespace {

ClipTextConfig tiny_text(int64_t hidden, int64_t layers, int64_t projection = 0) {
  ClipTextConfig config;
  config.hidden_size = hidden;
  config.intermediate_size = 2 * hidden;
  config.num_hidden_layers = layers;
  config.projection_dim = projection;
  return config;
}

UNet2DConditionConfig tiny_unet() {
  UNet2DConditionConfig config;
  config.block_out_channels = {8, 16, 24};
  config.transformer_layers_per_block = {1, 1, 2};
  config.num_attention_heads = {1, 2, 3};
  config.cross_attention_dim = 20;
  config.norm_num_groups = 4;
  return config;
}

}  // namespace

const TargetNames& tiny_targets() {
  static const TargetNames names(tiny_unet(), tiny_text(12, 2), tiny_text(28, 3, 14));
  return names;
}

}  // namespace ziplora
