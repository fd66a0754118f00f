#pragma once
/// The names that single files give to the tensors of each model (those of Stability's sgm and of OpenCLIP),
/// and the view of each that is the tensor of diffusers or transformers. Tables only: single_file.h reads the
/// files.
///
///     SgmNames names = sgm_unet_names(config);
///     auto parts = names.translate("input_blocks.4.1.proj_in.weight");
///     parts[0].name;   // "down_blocks.1.attentions.0.proj_in.weight"
///
/// Source: Stability-AI/generative-models sgm/modules, huggingface/diffusers loaders/single_file_utils.py.
/// Proven: tests/parity/test_loading.py.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/models/autoencoder_kl.h"
#include "ziplora/models/clip_text_model.h"
#include "ziplora/models/unet_2d_condition.h"

namespace ziplora {

/// One tensor of the model, as a view of a tensor of the file.
struct TranslatedTensor {
  std::string name;
  enum class View {
    kWhole,
    kTransposed,   ///< text_projection: OpenCLIP multiplies from the left
    kSqueezed,     ///< a 1×1 convolution that is a linear layer: [out, in, 1, 1] → [out, in]
    kThirdOfRows,  ///< q, k or v: OpenCLIP stacks them
  } view = View::kWhole;
  int64_t third = 0;  ///< which, for kThirdOfRows
  at::Tensor apply(const at::Tensor& tensor) const;
};

class SgmNames {
 public:
  void add(std::string sgm_module, std::string module) {
    modules_[std::move(sgm_module)] = std::move(module);
  }
  /// Modules below this one are 1×1 convolutions in the file.
  void add_squeezed(std::string sgm_module, std::string module);
  /// Several for stacked q, k and v; none if the name belongs to no known module.
  std::vector<TranslatedTensor> translate(const std::string& sgm_name) const;
  /// A tensor with a rule of its own.
  void add_tensor(std::string sgm_name, std::vector<TranslatedTensor> translated);

 private:
  std::map<std::string, std::string> modules_;
  std::map<std::string, bool> squeezed_;
  std::map<std::string, std::vector<TranslatedTensor>> tensors_;
};

SgmNames sgm_unet_names(const UNet2DConditionConfig& config);
SgmNames sgm_autoencoder_names(const AutoencoderKLConfig& config);
SgmNames open_clip_names(const ClipTextConfig& config);

}  // namespace ziplora
