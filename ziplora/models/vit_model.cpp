#include "ziplora/models/vit_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <fmt/format.h>

#include <vector>

#include "ziplora/models/clip_encoder_layer.h"
#include "ziplora/models/config_reader.h"
#include "ziplora/models/vit_attention.h"
#include "ziplora/models/vit_embeddings.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {
namespace {

class VitLayer : public Module {
 public:
  explicit VitLayer(const VitConfig& c)
      : layernorm_before_(c.hidden_size, c.layer_norm_eps),
        layernorm_after_(c.hidden_size, c.layer_norm_eps),
        attention_({c.hidden_size, c.num_attention_heads, c.qkv_bias}),
        intermediate_(c.hidden_size, c.intermediate_size),
        output_(c.intermediate_size, c.hidden_size) {
    register_module("layernorm_before", layernorm_before_);
    register_module("attention", attention_);
    register_module("layernorm_after", layernorm_after_);
    register_module("intermediate.dense", intermediate_);
    register_module("output.dense", output_);
  }

  at::Tensor forward(const at::Tensor& x) const {
    const at::Tensor y = x + attention_.forward(layernorm_before_.forward(x));
    return y + output_.forward(at::gelu(intermediate_.forward(layernorm_after_.forward(y))));
  }

 private:
  LayerNorm layernorm_before_, layernorm_after_;
  VitAttention attention_;
  Linear intermediate_, output_;
};

}  // namespace

struct VitModel::Parts {
  explicit Parts(const VitConfig& c)
      : embeddings({c.hidden_size, c.image_size, c.patch_size}), layernorm(c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers.push_back(std::make_unique<VitLayer>(c));
  }
  VitEmbeddings embeddings;
  std::vector<std::unique_ptr<VitLayer>> layers;
  LayerNorm layernorm;
};

VitModel::VitModel(VitConfig c) : config(c), parts_(std::make_unique<Parts>(c)) {
  register_module("embeddings", parts_->embeddings);
  for (size_t i = 0; i < parts_->layers.size(); ++i)
    register_module(fmt::format("encoder.layer.{}", i), *parts_->layers[i]);
  register_module("layernorm", parts_->layernorm);
}

VitModel::~VitModel() = default;

at::Tensor VitModel::forward(const at::Tensor& pixel_values) const {
  at::Tensor hidden = parts_->embeddings.forward(pixel_values);
  for (const auto& layer : parts_->layers) hidden = layer->forward(hidden);
  return parts_->layernorm.forward(hidden);
}

VitConfig VitConfig::from_json(const nlohmann::json& config) {
  ConfigReader reader(config, "ViT config");
  VitConfig c{};
  c.hidden_size = reader.positive("hidden_size");
  c.intermediate_size = reader.positive("intermediate_size");
  c.num_hidden_layers = reader.layers("num_hidden_layers");
  c.num_attention_heads = read_num_attention_heads(reader, c.hidden_size);
  c.image_size = reader.positive("image_size");
  c.patch_size = read_patch_size(reader, c.image_size);
  c.qkv_bias = reader.get<bool>("qkv_bias", true);
  c.layer_norm_eps = reader.get<double>("layer_norm_eps", 1e-12);
  reader.expect("num_channels", 3);
  reader.expect("hidden_act", "gelu");
  return c;
}

}  // namespace ziplora
