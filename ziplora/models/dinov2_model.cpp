#include "ziplora/models/dinov2_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/silu.h>

#include <vector>

#include "ziplora/models/clip_encoder_layer.h"
#include "ziplora/models/config_reader.h"
#include "ziplora/models/vit_attention.h"
#include "ziplora/models/vit_backbone.h"
#include "ziplora/models/vit_embeddings.h"
#include "ziplora/nn/initialization.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {
namespace {

/// fc2(GELU(fc1 x)), or with the gate w_out(SiLU(a) ⊙ b), where a and b are the halves of w_in x.
class Mlp : public Module {
 public:
  explicit Mlp(const Dinov2Config& c)
      : gated_(c.use_swiglu_ffn),
        in_(c.hidden_size, c.mlp_width() * (gated_ ? 2 : 1)),
        out_(c.mlp_width(), c.hidden_size) {
    register_module(gated_ ? "weights_in" : "fc1", in_);
    register_module(gated_ ? "weights_out" : "fc2", out_);
  }

  at::Tensor forward(const at::Tensor& x) const {
    const at::Tensor h = in_.forward(x);
    if (!gated_) return out_.forward(at::gelu(h));
    const std::vector<at::Tensor> halves = h.chunk(2, -1);
    return out_.forward(at::silu(halves[0]) * halves[1]);
  }

 private:
  bool gated_;
  Linear in_, out_;
};

class Layer : public Module {
 public:
  explicit Layer(const Dinov2Config& c)
      : hidden_size_(c.hidden_size),
        norm1_(c.hidden_size, c.layer_norm_eps),
        norm2_(c.hidden_size, c.layer_norm_eps),
        attention_({c.hidden_size, c.num_attention_heads, c.qkv_bias}),
        mlp_(c) {
    register_module("norm1", norm1_);
    register_module("attention", attention_);
    register_parameter("layer_scale1.lambda1", scale1_, {c.hidden_size});
    register_module("norm2", norm2_);
    register_module("mlp", mlp_);
    register_parameter("layer_scale2.lambda1", scale2_, {c.hidden_size});
  }

  at::Tensor forward(const at::Tensor& x) const {
    const at::Tensor y = x + attention_.forward(norm1_.forward(x)) * scale1_;
    return y + mlp_.forward(norm2_.forward(y)) * scale2_;
  }

  void reset_parameters(at::Generator) override {
    fill_constant(scale1_, {hidden_size_}, 1);
    fill_constant(scale2_, {hidden_size_}, 1);
  }

 private:
  int64_t hidden_size_;
  LayerNorm norm1_, norm2_;
  VitAttention attention_;
  Mlp mlp_;
  at::Tensor scale1_, scale2_;  ///< [hidden]
};

}  // namespace

struct Dinov2Model::Parts : VitBackbone<Layer> {
  using VitBackbone::VitBackbone;
};

Dinov2Model::Dinov2Model(Dinov2Config c) : config(c), parts_(std::make_unique<Parts>(c)) {
  parts_->for_each_module([this](std::string name, Module& part) { register_module(std::move(name), part); });
}

Dinov2Model::~Dinov2Model() = default;

at::Tensor Dinov2Model::forward(const at::Tensor& pixel_values) const {
  return parts_->forward(pixel_values);
}

int64_t Dinov2Config::mlp_width() const {
  const auto width = static_cast<int64_t>(static_cast<double>(hidden_size) * mlp_ratio);
  return use_swiglu_ffn ? (static_cast<int64_t>(static_cast<double>(width) * 2 / 3) + 7) / 8 * 8 : width;
}

Dinov2Config Dinov2Config::from_json(const nlohmann::json& config) {
  ConfigReader reader(config, "DINOv2 config", kEncoderHints);
  Dinov2Config c{};
  c.hidden_size = reader.positive("hidden_size");
  c.num_hidden_layers = reader.layers("num_hidden_layers");
  c.num_attention_heads = read_num_attention_heads(reader, c.hidden_size);
  c.image_size = reader.positive("image_size");
  c.patch_size = read_patch_size(reader, c.image_size);
  c.mlp_ratio = reader.get<double>("mlp_ratio", 4);
  if (!(c.mlp_ratio >= 1 && c.mlp_ratio <= 64)) reader.unsupported("mlp_ratio", "1 to 64");
  c.use_swiglu_ffn = reader.get<bool>("use_swiglu_ffn", false);
  c.qkv_bias = reader.get<bool>("qkv_bias", true);
  c.layer_norm_eps = reader.get<double>("layer_norm_eps", 1e-6);
  reader.expect("num_channels", 3);
  reader.expect("hidden_act", "gelu");
  return c;
}

}  // namespace ziplora
