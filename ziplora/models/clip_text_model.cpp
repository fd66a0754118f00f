#include "ziplora/models/clip_text_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/nn/embedding.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {
namespace {

using nlohmann::json;

/// Old CLIP configs say 2, although the tokenizer's EOS is the highest id of the vocabulary. transformers
/// pools at the highest id for such configs, and so must we.
constexpr int64_t kLegacyEosTokenId = 2;

ClipEncoderLayerOptions layer_options(const ClipTextConfig& config) {
  return {.hidden_size = config.hidden_size,
          .intermediate_size = config.intermediate_size,
          .num_attention_heads = config.num_attention_heads,
          .activation = config.hidden_act,
          .layer_norm_eps = config.layer_norm_eps,
          .causal = true};
}

class Embeddings : public Module {
 public:
  explicit Embeddings(const ClipTextConfig& config)
      : token_embedding_(config.vocab_size, config.hidden_size),
        position_embedding_(config.max_position_embeddings, config.hidden_size,
                            /*initial_standard_deviation=*/0.01) {
    register_module("token_embedding", token_embedding_);
    register_module("position_embedding", position_embedding_);
  }

  at::Tensor forward(const at::Tensor& token_ids) const {
    return token_embedding_.forward(token_ids) + position_embedding_.weight.slice(0, 0, token_ids.size(1));
  }

 private:
  Embedding token_embedding_, position_embedding_;
};

class Encoder : public Module {
 public:
  explicit Encoder(const ClipTextConfig& config) {
    for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
      layers_.push_back(std::make_unique<ClipEncoderLayer>(layer_options(config)));
      register_module(fmt::format("layers.{}", i), *layers_.back());
    }
  }

  struct Output {
    at::Tensor penultimate, last;
  };
  Output forward(at::Tensor x) const {
    Output output;
    for (const auto& layer : layers_) {
      output.penultimate = x;
      x = layer->forward(x);
    }
    output.last = x;
    return output;
  }

 private:
  std::vector<std::unique_ptr<ClipEncoderLayer>> layers_;
};

/// The level "text_model." that published weights put above everything but the projection.
class TextTransformer : public Module {
 public:
  explicit TextTransformer(const ClipTextConfig& config)
      : embeddings(config), encoder(config), final_layer_norm(config.hidden_size, config.layer_norm_eps) {
    register_module("embeddings", embeddings);
    register_module("encoder", encoder);
    register_module("final_layer_norm", final_layer_norm);
  }
  Embeddings embeddings;
  Encoder encoder;
  LayerNorm final_layer_norm;
};

/// [B]: the position of each row's EOS token, which sees the whole prompt through the causal mask. A row
/// without one is pooled at position 0, as in transformers.
at::Tensor eos_positions(const at::Tensor& token_ids, int64_t eos_token_id) {
  if (eos_token_id == kLegacyEosTokenId) return token_ids.argmax(-1);
  return token_ids.eq(eos_token_id).to(at::kInt).argmax(-1);  // the first if there are several
}

}  // namespace

ClipTextConfig ClipTextConfig::from_json(const json& config, bool with_projection, const ConfigHints& hints) {
  ConfigReader reader(config, "text encoder config", hints);
  ClipTextConfig result;
  result.vocab_size = reader.positive("vocab_size");
  result.hidden_size = reader.positive("hidden_size");
  result.intermediate_size = reader.positive("intermediate_size");
  result.num_hidden_layers = reader.layers("num_hidden_layers");
  result.num_attention_heads = read_num_attention_heads(reader, result.hidden_size);
  result.max_position_embeddings = reader.positive("max_position_embeddings");
  result.hidden_act = read_activation(reader);
  result.layer_norm_eps = reader.get<double>("layer_norm_eps", result.layer_norm_eps);
  if (!(result.layer_norm_eps > 0)) reader.unsupported("layer_norm_eps", "a number above 0");
  result.eos_token_id = reader.get<int64_t>("eos_token_id", result.eos_token_id);
  result.bos_token_id = reader.get<int64_t>("bos_token_id", result.bos_token_id);
  result.pad_token_id = reader.get<int64_t>("pad_token_id", 1);
  if (with_projection) result.projection_dim = reader.positive("projection_dim");
  return result;
}

json ClipTextConfig::to_json() const {
  return {{"architectures", {projection_dim > 0 ? "CLIPTextModelWithProjection" : "CLIPTextModel"}},
          {"model_type", "clip_text_model"},
          {"vocab_size", vocab_size},
          {"hidden_size", hidden_size},
          {"intermediate_size", intermediate_size},
          {"num_hidden_layers", num_hidden_layers},
          {"num_attention_heads", num_attention_heads},
          {"max_position_embeddings", max_position_embeddings},
          {"hidden_act", name_of(hidden_act)},
          {"layer_norm_eps", layer_norm_eps},
          {"attention_dropout", 0.0},
          {"initializer_factor", 1.0},
          {"initializer_range", 0.02},
          {"bos_token_id", bos_token_id},
          {"eos_token_id", eos_token_id},
          {"pad_token_id", pad_token_id},
          {"projection_dim", projection_dim > 0 ? projection_dim : hidden_size}};
}

struct ClipTextModel::Parts {
  explicit Parts(const ClipTextConfig& config) : text_model(config) {
    if (config.projection_dim > 0)
      text_projection =
          std::make_unique<Linear>(config.hidden_size, config.projection_dim, /*with_bias=*/false);
  }
  TextTransformer text_model;
  std::unique_ptr<Linear> text_projection;
};

ClipTextModel::ClipTextModel(ClipTextConfig config)
    : config(config), parts_(std::make_unique<Parts>(config)) {
  register_module("text_model", parts_->text_model);
  if (parts_->text_projection) register_module("text_projection", *parts_->text_projection);
}

ClipTextModel::~ClipTextModel() = default;

ClipTextOutput ClipTextModel::forward(const at::Tensor& token_ids) const {
  if (token_ids.dim() != 2 || token_ids.size(1) > config.max_position_embeddings)
    throw Error(
        ErrorKind::kInternal, "text encoder",
        fmt::format("token ids have {} dimensions and {} positions, [B, ≤ {}] is expected", token_ids.dim(),
                    token_ids.dim() > 0 ? token_ids.size(-1) : 0, config.max_position_embeddings));
  const TextTransformer& text_model = parts_->text_model;
  const Encoder::Output hidden = text_model.encoder.forward(text_model.embeddings.forward(token_ids));

  ClipTextOutput output;
  output.penultimate = hidden.penultimate;
  output.last_hidden_state = text_model.final_layer_norm.forward(hidden.last);
  const at::Tensor positions = eos_positions(token_ids, config.eos_token_id);
  output.pooled =
      output.last_hidden_state.gather(1, positions.view({-1, 1, 1}).expand({-1, 1, config.hidden_size}))
          .squeeze(1);  // [B, hidden]
  if (parts_->text_projection) output.pooled = parts_->text_projection->forward(output.pooled);
  return output;
}

}  // namespace ziplora
