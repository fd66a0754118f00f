#include "ziplora/models/csd_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "ziplora/base/error.h"
#include "ziplora/models/config_reader.h"
#include "ziplora/models/translated_source.h"

namespace ziplora {
namespace {

constexpr std::string_view kParallel = "module.", kBackbone = "backbone.";
constexpr const char *kStyle = "last_layer_style", *kContent = "last_layer_content";
constexpr const char* kHint = "save the state dict of the authors' CSD_CLIP as safetensors";
constexpr int64_t kHeadWidth = 64;  ///< openai/CLIP: an image encoder has width / 64 heads

std::string plain_name(const std::string& name) {
  return name.starts_with(kParallel) ? name.substr(kParallel.size()) : name;
}

std::vector<int64_t> shape_of(const TensorSource& file, const std::string& name, size_t rank) {
  const std::vector<int64_t> shape = file.tensor(name).sizes().vec();
  if (shape.size() == rank) return shape;
  throw Error(ErrorKind::kInput, "load " + file.description,
              fmt::format("{} has {} dimensions, {} are expected", name, shape.size(), rank), kHint);
}

/// Nothing in a CSD folder says its sizes but its tensors.
ClipVisionConfig config_of(const TensorSource& file, const char* head) {
  const std::set<std::string> names(file.names.begin(), file.names.end());
  const std::string first_mlp = "backbone.transformer.resblocks.0.mlp.c_fc.weight";
  for (const std::string& name : {std::string("backbone.conv1.weight"),
                                  std::string("backbone.positional_embedding"), first_mlp, std::string(head)})
    if (!names.count(name))
      throw Error(ErrorKind::kInput, "load " + file.description,
                  fmt::format("there is no tensor {}, which every CSD model has", name), kHint);
  const std::vector<int64_t> conv = shape_of(file, "backbone.conv1.weight", 4);
  const int64_t positions = shape_of(file, "backbone.positional_embedding", 2)[0];
  ClipVisionConfig c;
  c.hidden_size = conv[0];
  c.patch_size = conv[2];
  c.image_size =
      c.patch_size * std::lround(std::sqrt(static_cast<double>(std::max<int64_t>(positions, 1) - 1)));
  c.intermediate_size = shape_of(file, first_mlp, 2)[0];
  c.num_attention_heads = c.hidden_size / kHeadWidth;
  c.num_hidden_layers = 0;
  while (names.count(fmt::format("backbone.transformer.resblocks.{}.mlp.c_fc.weight", c.num_hidden_layers)))
    ++c.num_hidden_layers;
  c.projection_dim = shape_of(file, head, 2)[1];
  if (c.hidden_size < 1 || c.hidden_size % kHeadWidth != 0 || c.patch_size < 1 || positions < 2 ||
      c.num_hidden_layers > kMostLayers)
    throw Error(
        ErrorKind::kInput, "load " + file.description,
        fmt::format("a width of {}, patches of {} pixels, {} positions and {} layers make no image encoder "
                    "of CLIP's form",
                    c.hidden_size, c.patch_size, positions, c.num_hidden_layers),
        kHint);
  return c;
}

/// What a tensor below "backbone." is to ClipVisionModel.
std::vector<TranslatedTensor> translate_backbone(const std::string& name, const SgmNames& text_names) {
  constexpr std::pair<const char*, const char*> kOwn[] = {
      {"class_embedding", "embeddings.class_embedding"},
      {"positional_embedding", "embeddings.position_embedding.weight"},
      {"conv1.weight", "embeddings.patch_embedding.weight"},
      {"ln_pre.weight", "pre_layrnorm.weight"},
      {"ln_pre.bias", "pre_layrnorm.bias"},
      {"ln_post.weight", "post_layernorm.weight"},
      {"ln_post.bias", "post_layernorm.bias"}};
  for (const auto& [own, ours] : kOwn)
    if (name == own) return {{fmt::format("vision_model.{}", ours)}};
  if (!name.starts_with("transformer.")) return {};
  // The layers are those of OpenCLIP's text encoder, in names, too.
  std::vector<TranslatedTensor> translated = text_names.translate(name);
  for (TranslatedTensor& one : translated)
    one.name = "vision_model" + one.name.substr(std::string_view("text_model").size());
  return translated;
}

}  // namespace

CsdWeights::CsdWeights(const TensorSource& file, CsdHead head) {
  const char* wanted = head == CsdHead::kStyle ? kStyle : kContent;
  const std::string_view other = head == CsdHead::kStyle ? kContent : kStyle;
  const TensorSource plain = renamed(file, plain_name);
  config_ = config_of(plain, wanted);
  ClipTextConfig as_text;
  as_text.num_hidden_layers = config_.num_hidden_layers;
  const SgmNames names = open_clip_names(as_text);
  source_ = translated_source(plain, [&](const std::string& name) -> std::vector<TranslatedTensor> {
    if (name.starts_with(other)) return {};  // the authors' "custom" content head is several tensors
    if (name == wanted) return {{"visual_projection.weight", TranslatedTensor::View::kTransposed}};
    std::vector<TranslatedTensor> translated;
    if (name.starts_with(kBackbone)) translated = translate_backbone(name.substr(kBackbone.size()), names);
    if (translated.empty()) translated.push_back({name});  // reported as unexpected under its own name
    return translated;
  });
}

}  // namespace ziplora
