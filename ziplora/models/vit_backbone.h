#pragma once
/// What ViT and DINOv2 have in common: embeddings, a stack of layers of their own, a last norm, under transformers'
/// names.
///
///     struct VitModel::Parts : VitBackbone<VitLayer> { using VitBackbone::VitBackbone; };
///     parts_->for_each_module([this](std::string name, Module& part) { register_module(std::move(name), part); });

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "ziplora/models/vit_embeddings.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {

/// @tparam Layer  a Module that is made from the model's config; forward: [B, T, hidden] → the same
template <class Layer>
struct VitBackbone {
  template <class Config>
  explicit VitBackbone(const Config& c)
      : embeddings({c.hidden_size, c.image_size, c.patch_size}), layernorm(c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers.push_back(std::make_unique<Layer>(c));
  }

  template <class Visit>
  void for_each_module(const Visit& visit) {
    visit("embeddings", embeddings);
    for (size_t i = 0; i < layers.size(); ++i) visit(fmt::format("encoder.layer.{}", i), *layers[i]);
    visit("layernorm", layernorm);
  }

  /// @param pixel_values  [B, 3, H, W]
  /// @return              [B, 1 + patches, hidden]: after the last norm, the class token first
  at::Tensor forward(const at::Tensor& pixel_values) const {
    at::Tensor hidden = embeddings.forward(pixel_values);
    for (const auto& layer : layers) hidden = layer->forward(hidden);
    return layernorm.forward(hidden);
  }

  VitEmbeddings embeddings;
  std::vector<std::unique_ptr<Layer>> layers;
  LayerNorm layernorm;
};

}  // namespace ziplora
