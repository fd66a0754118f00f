#include "ziplora/models/single_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"
#include "ziplora/models/distilled_models.h"
#include "ziplora/models/prediction_markers.h"
#include "ziplora/models/translated_source.h"
#include "ziplora/models/unused_tensors.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUNet = "model.diffusion_model.";
constexpr const char* kTextEncoder = "conditioner.embedders.0.transformer.";
constexpr const char* kTextEncoder2 = "conditioner.embedders.1.model.";
constexpr const char* kAutoencoder = "first_stage_model.";
constexpr const char* kHint = "an SDXL base is needed: the 1.0 base or a model fine-tuned from it";

/// A sign that a file is something other than an SDXL base.
struct Sign {
  const char* fragment;  ///< in some tensor's name
  const char* looks_like;
};
constexpr Sign kSigns[] = {
    {"lora_", "a LoRA, not a base"},
    {"hada_w1", "a LoHa adapter, not a base"},
    {"lokr_w", "a LoKr adapter, not a base"},
    {"double_blocks.", "Flux"},
    {"joint_blocks.", "Stable Diffusion 3"},
    {"conditioner.embedders.0.model.transformer.", "the SDXL refiner"},
    {"cond_stage_model.transformer.", "Stable Diffusion 1"},
    {"cond_stage_model.model.", "Stable Diffusion 2"},
    {"edm_vpred.sigma_max", "CosXL, which has another noise schedule (EDM)"},
    {"edm_mean", "Playground v2.5, which has another noise schedule (EDM)"},
};

/// What the file looks like, or "" if it is an SDXL base.
std::string looks_like(const SafetensorsFile& file) {
  for (const Sign& sign : kSigns) {
    for (const auto& [name, info] : file.tensors()) {
      if (name.find(sign.fragment) != std::string::npos) return sign.looks_like;
    }
  }
  const auto shape = [&](const std::string& name) -> const std::vector<int64_t>* {
    const auto found = file.tensors().find(name);
    return found == file.tensors().end() ? nullptr : &found->second.shape;
  };
  if (const auto* conv_in = shape(std::string(kUNet) + "input_blocks.0.0.weight");
      conv_in && conv_in->size() == 4) {
    if (conv_in->at(1) == 9) return "an inpainting model (9 input channels, SDXL's base has 4)";
    if (conv_in->at(1) != 4)
      return fmt::format("a model with {} input channels, SDXL's base has 4", conv_in->at(1));
  }
  const auto contains_prefix = [&](const std::string& prefix) {
    const auto found = file.tensors().lower_bound(prefix);
    return found != file.tensors().end() && found->first.starts_with(prefix);
  };
  const bool unet = contains_prefix(kUNet), conditioner = contains_prefix("conditioner.");
  if (unet && !conditioner) return "a UNet without text encoders";
  if (unet && !contains_prefix(kAutoencoder)) return "a checkpoint without an autoencoder";
  if (const std::string name = distilled_model(file.tensors()); !name.empty())
    return name + ", which was distilled from SDXL and lacks some of its layers";
  if (contains_prefix("down_blocks.")) return "the UNet file of a diffusers folder; name the folder instead";
  if (contains_prefix("text_model."))
    return "the text encoder file of a diffusers folder; name the folder instead";
  return unet ? "" : "something other than Stable Diffusion";
}

/// CLIP ViT-L has the same names as in transformers.
SgmNames clip_names() {
  SgmNames names;
  names.add("text_model", "text_model");
  return names;
}

}  // namespace

fs::path companion_folder(const fs::path& file) { return fs::path(file).replace_extension(); }

SingleFileBase::SingleFileBase(const fs::path& path) : file_(std::make_shared<SafetensorsFile>(path)) {
  if (const std::string found = looks_like(*file_); !found.empty())
    throw Error(ErrorKind::kIncompatible, "load " + path.string(),
                fmt::format("an SDXL checkpoint is expected, this looks like {}", found), kHint);
}

TensorSource SingleFileBase::source(const std::string& prefix, const SgmNames& names) const {
  TensorSource of_file{.description = fmt::format("{} ({}…)", file_->path().string(), prefix),
                       .names = {},
                       .tensor = [file = file_](const std::string& name) { return file->tensor(name); },
                       .release = [file = file_](const std::string& name) { file->release_pages(name); }};
  for (auto entry = file_->tensors().lower_bound(prefix);
       entry != file_->tensors().end() && entry->first.starts_with(prefix); ++entry)
    if (!is_unused_tensor(entry->first)) of_file.names.push_back(entry->first);
  return translated_source(of_file, [&](const std::string& name) {
    std::vector<TranslatedTensor> translated = names.translate(name.substr(prefix.size()));
    if (translated.empty()) translated.push_back({name});  // reported as unexpected under its own name
    return translated;
  });
}

TensorSource SingleFileBase::unet(const UNet2DConditionConfig& config) const {
  return source(kUNet, sgm_unet_names(config));
}

TensorSource SingleFileBase::vae(const AutoencoderKLConfig& config) const {
  return source(kAutoencoder, sgm_autoencoder_names(config));
}

TensorSource SingleFileBase::text_encoder() const { return source(kTextEncoder, clip_names()); }

TensorSource SingleFileBase::text_encoder_2(const ClipTextConfig& config) const {
  return source(kTextEncoder2, open_clip_names(config));
}

SingleFileNames::SingleFileNames(const UNet2DConditionConfig& unet, const ClipTextConfig& text_encoder_2)
    : components_{{kUNet, "unet", sgm_unet_names(unet)},
                  {kTextEncoder, "text_encoder", clip_names()},
                  {kTextEncoder2, "text_encoder_2", open_clip_names(text_encoder_2)}} {}

std::vector<TranslatedTensor> SingleFileNames::translate(const std::string& name) const {
  for (const Component& component : components_) {
    if (!name.starts_with(component.prefix) || is_unused_tensor(name)) continue;
    std::vector<TranslatedTensor> parts =
        component.names.translate(name.substr(std::string_view(component.prefix).size()));
    for (TranslatedTensor& part : parts) part.name = std::string(component.name) + "." + part.name;
    return parts;
  }
  return {};
}

void SingleFileBase::refuse_strangers() const {
  std::vector<std::string> strangers;
  for (const auto& [name, info] : file_->tensors()) {
    const bool known = name.starts_with(kUNet) || name.starts_with(kTextEncoder) ||
                       name.starts_with(kTextEncoder2) || name.starts_with(kAutoencoder);
    if (!known && !is_unused_tensor(name)) strangers.push_back(name);
  }
  if (strangers.empty()) return;
  const size_t shown = std::min<size_t>(strangers.size(), 5);
  throw Error(ErrorKind::kInput, "load " + file_->path().string(),
              fmt::format("{} tensors belong to none of SDXL's models ({}{})", strangers.size(),
                          fmt::join(strangers.begin(), strangers.begin() + shown, ", "),
                          shown < strangers.size() ? ", …" : ""),
              kHint);
}

nlohmann::json SingleFileBase::scheduler_config(std::vector<std::string>& notes) const {
  const PredictionMarkers said = prediction_markers(*file_);
  notes.insert(notes.end(), said.notes.begin(), said.notes.end());
  return {{"_class_name", "EulerDiscreteScheduler"},
          {"beta_start", 0.00085},
          {"beta_end", 0.012},
          {"beta_schedule", "scaled_linear"},
          {"num_train_timesteps", 1000},
          {"prediction_type", said.v_prediction ? "v_prediction" : "epsilon"},
          {"rescale_betas_zero_snr", said.zero_terminal_snr},
          {"timestep_spacing", said.v_prediction || said.zero_terminal_snr ? "trailing" : "leading"},
          {"steps_offset", 1},
          {"interpolation_type", "linear"},
          {"clip_sample", false},
          {"set_alpha_to_one", false},
          {"use_karras_sigmas", false}};
}

std::string SingleFileBase::note_of_unused() const {
  std::vector<std::string> unused;
  for (const auto& [name, info] : file_->tensors())
    if (is_unused_tensor(name)) unused.push_back(name);
  return note_of_unused_tensors(unused);
}

}  // namespace ziplora
