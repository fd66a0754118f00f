#include "ziplora/evaluate/text_features.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ziplora/base/error.h"
#include "ziplora/evaluate/image_encoder_kind.h"
#include "ziplora/models/clip_model.h"
#include "ziplora/models/clip_tokenizer.h"
#include "ziplora/models/diffusers_folder.h"

namespace ziplora {
namespace {

constexpr const char* kOpen = "open text encoder";

ClipTextConfig text_config(const std::filesystem::path& folder) {
  const nlohmann::json config = read_encoder_config(folder, kOpen);
  const auto type = config.find("model_type");
  if (type != config.end() && *type == "clip") return ClipModelConfig::from_json(config).text;
  throw Error(
      ErrorKind::kIncompatible, fmt::format("{} {}", kOpen, folder.string()),
      fmt::format("config.json says model_type {}; only \"clip\" has a text encoder beside the images'",
                  type == config.end() ? "nothing" : type->dump()),
      "give the folder of a CLIP model with both encoders, such as openai/clip-vit-base-patch32");
}

double read_logit_factor(const TensorSource& source) {
  if (std::find(source.names.begin(), source.names.end(), "logit_scale") == source.names.end())
    throw Error(ErrorKind::kInput, "load " + source.description, "there is no tensor logit_scale",
                "download the folder again, as it was published");
  const at::Tensor logit_scale = source.tensor("logit_scale");
  if (logit_scale.numel() != 1)
    throw Error(ErrorKind::kInput, "load " + source.description, "logit_scale is not one number",
                "download the folder again, as it was published");
  return std::exp(logit_scale.item<double>());
}

}  // namespace

struct TextEncoder::Parts {
  explicit Parts(const std::filesystem::path& folder) : model(text_config(folder)), tokenizer(folder) {
    const TensorSource source = open_component_weights(folder, "model", at::kFloat);
    load_parameters(model, source, at::kCPU, at::kFloat, is_beside_clip_text);
    logit_factor = read_logit_factor(source);
  }
  ClipTextModel model;
  ClipTokenizer tokenizer;
  double logit_factor = 0;
};

TextEncoder::TextEncoder(const std::filesystem::path& folder) : parts_(std::make_unique<Parts>(folder)) {}
TextEncoder::~TextEncoder() = default;
TextEncoder::TextEncoder(TextEncoder&&) noexcept = default;

at::Tensor TextEncoder::embed(const std::vector<std::string>& prompts) const {
  const at::NoGradGuard no_grad;
  std::vector<int64_t> ids;
  for (const std::string& prompt : prompts) {
    const std::vector<int64_t> row = parts_->tokenizer.encode(prompt).ids;
    ids.insert(ids.end(), row.begin(), row.end());
  }
  const at::Tensor token_ids =
      at::tensor(ids, at::kLong).view({static_cast<int64_t>(prompts.size()), parts_->tokenizer.max_length()});
  return rows_of_length_one(parts_->model.forward(token_ids).pooled);
}

double TextEncoder::logit_factor() const { return parts_->logit_factor; }

}  // namespace ziplora
