#include "ziplora/models/clip_vision_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>

#include <memory>
#include <vector>

#include "ziplora/models/clip_encoder_layer.h"
#include "ziplora/models/vit_embeddings.h"
#include "ziplora/nn/embedding.h"
#include "ziplora/nn/initialization.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {
namespace {

/// A class token, then the patches, plus learned positions.
class Embeddings : public Module {
 public:
  explicit Embeddings(const ClipVisionConfig& config)
      : config_(config), position_embedding_(num_positions(config), config.hidden_size) {
    register_parameter("class_embedding", class_embedding_, {config.hidden_size});
    register_parameter("patch_embedding.weight", patch_embedding_,
                       {config.hidden_size, 3, config.patch_size, config.patch_size});
    register_module("position_embedding", position_embedding_);
  }

  /// @return [B, 1 + patches, hidden]
  at::Tensor forward(const at::Tensor& pixel_values) const {
    const int64_t rows = pixel_values.size(0);
    const at::Tensor patches =  // [B, hidden, h, w] → [B, h·w, hidden]
        at::conv2d(pixel_values, patch_embedding_, {},
                   std::vector<int64_t>{config_.patch_size, config_.patch_size})
            .flatten(2)
            .transpose(1, 2);
    const at::Tensor first = class_embedding_.expand({rows, 1, config_.hidden_size});
    return at::cat({first, patches}, 1) + position_embedding_.weight;
  }

  void reset_parameters(at::Generator generator) override {
    fill_normal(class_embedding_, {config_.hidden_size}, 0.02, generator);
    fill_uniform_fan_in(patch_embedding_, {config_.hidden_size, 3, config_.patch_size, config_.patch_size},
                        3 * config_.patch_size * config_.patch_size, generator);
  }

 private:
  static int64_t num_positions(const ClipVisionConfig& config) {
    const int64_t side = config.image_size / config.patch_size;
    return 1 + side * side;
  }

  ClipVisionConfig config_;
  at::Tensor class_embedding_, patch_embedding_;
  Embedding position_embedding_;
};

}  // namespace

struct ClipVisionModel::Parts {
  explicit Parts(const ClipVisionConfig& c)
      : embeddings(c),
        pre_layrnorm(c.hidden_size, c.layer_norm_eps),
        post_layernorm(c.hidden_size, c.layer_norm_eps),
        visual_projection(c.hidden_size, c.projection_dim, /*with_bias=*/false) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i)
      layers.push_back(std::make_unique<ClipEncoderLayer>(
          ClipEncoderLayerOptions{.hidden_size = c.hidden_size,
                                  .intermediate_size = c.intermediate_size,
                                  .num_attention_heads = c.num_attention_heads,
                                  .activation = c.hidden_act,
                                  .layer_norm_eps = c.layer_norm_eps,
                                  .causal = false}));
  }

  Embeddings embeddings;
  LayerNorm pre_layrnorm;  // sic: the published weights spell it so
  std::vector<std::unique_ptr<ClipEncoderLayer>> layers;
  LayerNorm post_layernorm;
  Linear visual_projection;
};

ClipVisionModel::ClipVisionModel(ClipVisionConfig c) : config(c), parts_(std::make_unique<Parts>(c)) {
  register_module("vision_model.embeddings", parts_->embeddings);
  register_module("vision_model.pre_layrnorm", parts_->pre_layrnorm);
  for (size_t i = 0; i < parts_->layers.size(); ++i)
    register_module("vision_model.encoder.layers." + std::to_string(i), *parts_->layers[i]);
  register_module("vision_model.post_layernorm", parts_->post_layernorm);
  register_module("visual_projection", parts_->visual_projection);
}

ClipVisionModel::~ClipVisionModel() = default;

at::Tensor ClipVisionModel::forward(const at::Tensor& pixel_values) const {
  at::Tensor hidden = parts_->pre_layrnorm.forward(parts_->embeddings.forward(pixel_values));
  for (const auto& layer : parts_->layers) hidden = layer->forward(hidden);
  return parts_->visual_projection.forward(parts_->post_layernorm.forward(hidden.select(1, 0)));
}

ClipVisionConfig ClipVisionConfig::from_json(const nlohmann::json& config, const ConfigHints& hints) {
  ConfigReader reader(config, "image encoder config", hints);
  ClipVisionConfig c;
  c.hidden_size = reader.positive("hidden_size");
  c.intermediate_size = reader.positive("intermediate_size");
  c.num_hidden_layers = reader.layers("num_hidden_layers");
  c.num_attention_heads = read_num_attention_heads(reader, c.hidden_size);
  reader.expect("num_channels", 3);
  c.image_size = reader.positive("image_size");
  c.patch_size = read_patch_size(reader, c.image_size);
  c.projection_dim = reader.positive("projection_dim");
  c.hidden_act = read_activation(reader);
  c.layer_norm_eps = reader.get<double>("layer_norm_eps", 1e-5);
  return c;
}

nlohmann::json ClipVisionConfig::to_json() const {
  return {{"architectures", {"CLIPVisionModelWithProjection"}},
          {"model_type", "clip_vision_model"},
          {"hidden_size", hidden_size},
          {"intermediate_size", intermediate_size},
          {"num_hidden_layers", num_hidden_layers},
          {"num_attention_heads", num_attention_heads},
          {"num_channels", 3},
          {"image_size", image_size},
          {"patch_size", patch_size},
          {"projection_dim", projection_dim},
          {"hidden_act", name_of(hidden_act)},
          {"layer_norm_eps", layer_norm_eps}};
}

}  // namespace ziplora
