#include "tests/parity/probe/probes.h"

namespace ziplora::probe {

const std::vector<Probe>& probes() {
  static const std::vector<Probe> table = {
      {"adam", run_adam},
      {"autoencoder", run_autoencoder},
      {"safetensors_verdicts", run_safetensors_verdicts},
      {"read_image", run_read_image},
      {"resize_image", run_resize_image},
      {"safetensors_copy", run_safetensors_copy},
      {"write_png", run_write_png},
      {"lora_files", run_lora_files},
      {"deltas", run_deltas},
      {"scheduler", run_scheduler},
      {"dreambooth", run_dreambooth},
      {"dreambooth_iteration", run_dreambooth_iteration},
      {"text_encoder", run_text_encoder},
      {"image_encoder", run_image_encoder},
      {"image_features", run_image_features},
      {"image_preprocessing", run_image_preprocessing},
      {"pillow_resize", run_pillow_resize},
      {"text_features", run_text_features},
      {"vision_model", run_vision_model},
      {"sdxl", run_sdxl},
      {"tokenizer", run_tokenizer},
      {"unet", run_unet},
      {"ssr", run_ssr},
      {"strategy", run_strategy},
      {"zip", run_zip},
      {"zip_iteration", run_zip_iteration},
      {"unet_iteration", run_unet_iteration},
      {"unet_call", run_unet_call},
  };
  return table;
}

}  // namespace ziplora::probe
