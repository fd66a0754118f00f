#pragma once
/// Features of images by the encoders with which the field compares images: CLIP, DINO, DINOv2 and CSD, from folders as
/// Hugging Face has them. Each image is preprocessed as its folder says, so the size of the images does not matter.
///
///     ImageEncoder encoder = open_image_encoder("dino-vits16");
///     at::Tensor a = encoder.embed(drawn), b = encoder.embed(real);   // [B, D], rows of length 1
///     at::Tensor similarity = a.matmul(b.t());                       // CLIP-I, the DINO score, CSD's
///     encoder.name();                                                // print it with every score
///
/// Which encoders there are is the table in image_encoders.cpp.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>

#include "ziplora/evaluate/image_encoder_kind.h"
#include "ziplora/evaluate/image_preprocessing.h"

namespace ziplora {

class ImageEncoder {
 public:
  ImageEncoder(OpenedImageModel model, ImagePreprocessing preprocessing);

  /// The model and what it sees: "CLIP ViT-B/32, 224 px, bicubic".
  const std::string& name() const { return name_; }

  /// @param images  [B, 3, H, W], uint8, or float32 in 0…1, which is rounded to 8 bits as in a file
  /// @return        [B, D] float32, rows of length 1; without gradients
  at::Tensor embed(const at::Tensor& images) const;

 private:
  OpenedImageModel model_;
  ImagePreprocessing preprocessing_;
  std::string name_;
};

/// @param folder  config.json, model.safetensors and preprocessor_config.json (or processor_config.json). The last
///                may be missing for CLIP and CSD, whose own code fixes it.
/// @throws Error(kIncompatible) for a folder of another kind: what it is, and what is known; Error(kInput) for
///         what is missing or malformed
ImageEncoder open_image_encoder(const std::filesystem::path& folder);

}  // namespace ziplora
