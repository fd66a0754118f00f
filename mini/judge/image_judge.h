#pragma once
/// Says what images of the emoji world show: a CLIP image encoder with attribute heads, both trained on real
/// drawings only, never on a held-out subject or style.
///
///     ImageJudge judge("assets/judges/clip", world.catalogue());
///     auto accuracy = attribute_accuracy(judge.logits(judge.embed(images)), labels);
///
/// The folder holds the encoder as transformers' CLIPVisionModelWithProjection saves it, and the heads under
/// attributes/.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "mini/judge/attribute_heads.h"
#include "mini/world/world.h"
#include "ziplora/models/clip_vision_model.h"

namespace ziplora::mini {

/// CLIP's pixel normalisation of images in 0…1.
at::Tensor clip_pixel_values(const at::Tensor& images);

/// @throws Error(kInput) if a file is missing or the heads were trained for another catalogue
void load_judge(const std::filesystem::path& folder, ClipVisionModel& vision, AttributeHeads& attributes);

class ImageJudge {
 public:
  /// @throws as load_judge
  ImageJudge(const std::filesystem::path& folder, const Catalogue& catalogue);

  /// @param images  [N, 3, S, S] float32 in 0…1, S as the encoder was trained
  /// @return        [N, D] float32 of length 1
  at::Tensor embed(const at::Tensor& images) const;
  /// @return by attribute, [N, classes]
  std::map<std::string, at::Tensor> logits(const at::Tensor& embeds) const {
    return attributes_.logits(embeds);
  }

 private:
  ClipVisionModel vision_;
  AttributeHeads attributes_;
};

}  // namespace ziplora::mini
