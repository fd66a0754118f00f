#pragma once
/// What scores images: an encoder of images with, where it has one, its encoder of texts.
///
///     const Judge judge("clip-vit-base-patch32");            // or "pixels"
///     at::Tensor drawn = judge.embed({"a.png", "b.png"});    // [2, D], rows of length 1
///     if (judge.reads_texts()) judge.embed_texts({"a cat face, in ink style"});
///
/// `pixels` needs no weights: 16 × 16 colours of the image, from −1 to 1. It has learned nothing, so it errs in other ways
/// than encoders do.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/evaluate/image_features.h"
#include "ziplora/evaluate/text_features.h"

namespace ziplora {

class Judge {
 public:
  /// @param what  "pixels", or a folder that open_image_encoder takes
  /// @throws as open_image_encoder and TextEncoder
  explicit Judge(const std::string& what);

  /// The model and what it sees, for every table: "CLIP ViT-B/32, 224 px, bicubic".
  const std::string& name() const { return images_.name(); }
  /// @return [B, D] float32, rows of length 1
  at::Tensor embed(const std::vector<std::filesystem::path>& images) const;
  bool reads_texts() const { return texts_.has_value(); }
  at::Tensor embed_texts(const std::vector<std::string>& texts) const { return texts_->embed(texts); }

 private:
  ImageEncoder images_;
  std::optional<TextEncoder> texts_;
};

}  // namespace ziplora
