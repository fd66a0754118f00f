#pragma once
/// CSD, contrastive style descriptors (arXiv 2404.01292): OpenAI's CLIP image encoder, trained on, with two
/// projections in place of one, for style and for content. With one of them it is a ClipVisionModel, so only its
/// names differ: "module.backbone.…" in OpenAI's spelling, "module.last_layer_style", "module.last_layer_content".
///
///     CsdWeights csd(open_component_weights(folder, "model", at::kFloat), CsdHead::kStyle);
///     ClipVisionModel vision(csd.config());
///     load_parameters(vision, csd.source(), at::kCPU, at::kFloat);
///
/// Source: learn2phoenix/CSD CSD/model.py, openai/CLIP clip/model.py. The authors' embeddings are the outputs,
/// normalised to length 1.

#include "ziplora/models/clip_vision_model.h"
#include "ziplora/nn/load_parameters.h"

namespace ziplora {

enum class CsdHead { kStyle, kContent };

class CsdWeights {
 public:
  /// @param file  the authors' state dict; the "module." of their parallel training may be missing
  /// @throws Error(kInput) if the tensors that tell the sizes are missing or have another rank
  CsdWeights(const TensorSource& file, CsdHead head);

  const ClipVisionConfig& config() const { return config_; }
  /// Under ClipVisionModel's names; the other head is left out, and tensors unknown keep their names.
  const TensorSource& source() const { return source_; }

 private:
  ClipVisionConfig config_;
  TensorSource source_;
};

}  // namespace ziplora
