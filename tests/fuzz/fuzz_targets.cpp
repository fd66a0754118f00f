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
      {"image_png", fuzz_image_png},
      {"image_jpeg", fuzz_image_jpeg},
      {"image_webp", fuzz_image_webp},
      {"image_gif", fuzz_image_gif},
      {"image_bmp", fuzz_image_bmp},
      {"image_tiff", fuzz_image_tiff},
      {"image_heif", fuzz_image_heif},
  };
  return table;
}

void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

}  // namespace ziplora
