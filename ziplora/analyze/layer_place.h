#pragma once
/// Where a layer stands in the network, as figures show it.
///
///     place_of("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q");
///     // {"down 1", "down_blocks.1.attentions.0.transformer_blocks.0", "attn1.to_q"}

#include <string>
#include <string_view>

namespace ziplora {

struct LayerPlace {
  std::string block;  ///< "down 1", "mid", "up 0", "text 1"; "ends": what is in none
  /// The transformer block, resnet or sampler that it is a part of; of the projections around transformer blocks, the first
  /// of those.
  std::string module;
  std::string part;  ///< its name in there
};

/// @param target  canonical (lora/adapter.h)
LayerPlace place_of(std::string_view target);

}  // namespace ziplora
