#include <stdexcept>

#include "fuzz_target.h"

namespace ziplora {

const std::vector<FuzzTarget>& fuzz_targets() {
  static const std::vector<FuzzTarget> table{
      {"safetensors", fuzz_safetensors},
      {"keys_kohya", fuzz_keys_kohya},
      {"keys_comfy", fuzz_keys_comfy},
      {"keys_peft", fuzz_keys_peft},
      {"keys_diffusers", fuzz_keys_diffusers},
      {"keys_sgm", fuzz_keys_sgm},
      {"keys_omi", fuzz_keys_omi},
      {"metadata", fuzz_metadata},
  };
  return table;
}

void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

}  // namespace ziplora
