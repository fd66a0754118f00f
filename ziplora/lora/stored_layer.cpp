#include "ziplora/lora/stored_layer.h"

#include "ziplora/lora/universal_form.h"

namespace ziplora {

LoraLayer stored_layer(const LoraLayer& layer, at::ScalarType dtype, const std::string& target) {
  const LoraLayer balanced = with_alpha(layer, static_cast<double>(layer.rank()));
  return {to_storage(balanced.down, dtype, target), to_storage(balanced.up, dtype, target),
          balanced.lora_alpha};
}

}  // namespace ziplora
