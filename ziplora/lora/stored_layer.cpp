#include "ziplora/lora/stored_layer.h"

#include <c10/core/ScalarType.h>

#include "ziplora/lora/universal_form.h"

namespace ziplora {

LoraLayer stored_layer(const LoraLayer& layer, at::ScalarType dtype, const std::string& target) {
  const LoraLayer balanced = with_alpha(layer, static_cast<double>(layer.rank()));
  try {
    return {to_storage(balanced.down, dtype, target), to_storage(balanced.up, dtype, target),
            balanced.lora_alpha};
  } catch (const ValuesDoNotFit&) {
    return {balanced.down.to(at::kFloat), balanced.up.to(at::kFloat), balanced.lora_alpha};
  }
}

}  // namespace ziplora
