#pragma once
/// What ViT and DINOv2 make of pixels: a class token, then the patches, plus learned positions. Matches
/// transformers' ViTEmbeddings with interpolate_pos_encoding, and Dinov2Embeddings.
///
///     at::Tensor tokens = embeddings.forward(pixel_values);   // [B, 1 + patches, hidden]

#include "ziplora/models/config_reader.h"
#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/module.h"

namespace ziplora {

/// "patch_size" of an image encoder's config; its images hold at least one patch.
/// @throws Error(kInput) or Error(kIncompatible) as ConfigReader
int64_t read_patch_size(ConfigReader& config, int64_t image_size);

class VitEmbeddings : public Module {
 public:
  struct Options {
    int64_t hidden_size, image_size, patch_size;
  };
  explicit VitEmbeddings(Options options);

  /// @param pixel_values  [B, 3, H, W] of any size; for one that is not the model's, its square of positions is
  ///                      resized bicubically, without antialiasing
  at::Tensor forward(const at::Tensor& pixel_values) const;
  void reset_parameters(at::Generator generator) override;

 private:
  at::Tensor positions(int64_t rows, int64_t columns) const;

  Options options_;
  at::Tensor cls_token_;            ///< [1, 1, hidden]
  at::Tensor position_embeddings_;  ///< [1, 1 + side², hidden]
  Conv2d projection_;
};

}  // namespace ziplora
