#include "ziplora/models/vit_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>

#include "ziplora/models/clip_encoder_layer.h"
#include "ziplora/models/config_reader.h"
#include "ziplora/models/vit_attention.h"
#include "ziplora/models/vit_backbone.h"
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

struct VitModel::Parts : VitBackbone<VitLayer> {
  using VitBackbone::VitBackbone;
};

VitModel::VitModel(VitConfig c) : config(c), parts_(std::make_unique<Parts>(c)) {
  parts_->for_each_module([this](std::string name, Module& part) { register_module(std::move(name), part); });
}

VitModel::~VitModel() = default;

at::Tensor VitModel::forward(const at::Tensor& pixel_values) const { return parts_->forward(pixel_values); }

VitConfig VitConfig::from_json(const nlohmann::json& config) {
  ConfigReader reader(config, "ViT config", kEncoderHints);
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
