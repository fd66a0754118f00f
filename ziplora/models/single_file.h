#pragma once
/// A base in a single file (sgm names) as the sources of its four models, under the models' own names. Tensors
/// are views of the memory-mapped file: q, k and v are row ranges of OpenCLIP's fused matrix, and the text
/// projection is transposed.
///
///     SingleFileBase base("sdxl.safetensors");
///     load_parameters(unet, base.unet(unet.config), device, dtype);
///
/// The file holds weights only. Configs are SDXL's own and the tokenizer is CLIP's, unless there is a companion
/// folder: `sdxl/` beside `sdxl.safetensors`, laid out like a diffusers folder without weights.

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/io/safetensors.h"
#include "ziplora/models/sgm_names.h"
#include "ziplora/nn/load_parameters.h"

namespace ziplora {

class SingleFileBase {
 public:
  /// @throws Error(kIncompatible) saying what the file looks like if it is not an SDXL base (the refiner, SD 1
  ///         or 2, inpainting, SSD-1B, Flux, a LoRA …); Error(kInput) if it is not a safetensors file
  explicit SingleFileBase(const std::filesystem::path& path);

  TensorSource unet(const UNet2DConditionConfig& config) const;
  TensorSource vae(const AutoencoderKLConfig& config) const;
  TensorSource text_encoder() const;
  TensorSource text_encoder_2(const ClipTextConfig& config) const;

  /// @throws Error(kInput) listing tensors that belong to none of the four models, unless they are among those
  ///         that may be ignored (schedules, averaged weights, buffers)
  void refuse_strangers() const;

  /// SDXL's scheduler_config.json, with what the file says of v-prediction and zero terminal SNR.
  /// @param notes  gets what the user should know of it
  /// @throws Error(kIncompatible) as prediction_markers
  nlohmann::json scheduler_config(std::vector<std::string>& notes) const;
  /// What is left out aloud; empty: nothing but what every SDXL checkpoint holds.
  std::string note_of_unused() const;

 private:
  TensorSource source(const std::string& prefix, const SgmNames& names) const;
  std::shared_ptr<SafetensorsFile> file_;
};

/// What a tensor of a single file is in the models that adapters can change, with the component in front of
/// its name: "unet.conv_in.weight". OpenCLIP's stacked q, k and v give three tensors, a tensor of another model
/// none.
class SingleFileNames {
 public:
  SingleFileNames(const UNet2DConditionConfig& unet, const ClipTextConfig& text_encoder_2);
  std::vector<TranslatedTensor> translate(const std::string& name) const;

 private:
  struct Component {
    const char *prefix, *name;
    SgmNames names;
  };
  std::vector<Component> components_;
};

/// The companion folder of a single file: its path without the extension.
std::filesystem::path companion_folder(const std::filesystem::path& file);

}  // namespace ziplora
