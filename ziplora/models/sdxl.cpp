#include "ziplora/models/sdxl.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>

#include "ziplora/base/assets.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/models/diffusers_folder.h"
#include "ziplora/models/single_file.h"
#include "ziplora/models/unused_tensors.h"

namespace ziplora {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kUNetWeights = "diffusion_pytorch_model";
constexpr const char* kTextEncoderWeights = "model";

[[noreturn]] void incompatible(const fs::path& path, const std::string& problem) {
  throw Error(ErrorKind::kIncompatible, "load " + path.string(), problem,
              "an SDXL base is needed: the 1.0 base or a model fine-tuned from it");
}

/// Configs of the four models, the same for both kinds of base.
struct Configs {
  ClipTextConfig text_encoder, text_encoder_2;
  UNet2DConditionConfig unet;
  AutoencoderKLConfig vae;
};

/// SDXL's second text encoder (OpenCLIP ViT-bigG/14).
ClipTextConfig open_clip_bigg() {
  ClipTextConfig config;
  config.hidden_size = config.projection_dim = 1280;
  config.intermediate_size = 5120;
  config.num_hidden_layers = 32;
  config.num_attention_heads = 20;
  config.hidden_act = Activation::kGelu;
  config.pad_token_id = 0;
  return config;
}

ClipTextConfig text_config(const fs::path& component) {
  const fs::path path = component / "config.json";
  const json config = read_json_object(path);
  const json architectures = config.value("architectures", json::array());
  const bool with_projection = std::find(architectures.begin(), architectures.end(),
                                         "CLIPTextModelWithProjection") != architectures.end();
  try {
    return ClipTextConfig::from_json(config, with_projection);
  } catch (const Error& error) {  // the reader of a config does not know its file
    throw Error(error.kind(), "load " + path.string(), error.problem(), error.hint());
  }
}

template <class Config>
Config model_config(const fs::path& component) {
  const fs::path path = component / "config.json";
  const json config = read_json_object(path);
  try {
    return Config::from_json(config);
  } catch (const Error& error) {
    throw Error(error.kind(), "load " + path.string(), error.problem(), error.hint());
  }
}

/// Each config is sound by itself; together they must make an SDXL.
void check_fit(const Configs& configs, const fs::path& path) {
  const int64_t width = configs.text_encoder.hidden_size + configs.text_encoder_2.hidden_size;
  if (configs.unet.in_channels != configs.vae.latent_channels)
    incompatible(path,
                 fmt::format("the UNet takes {} channels, the autoencoder's latents have {}{}",
                             configs.unet.in_channels, configs.vae.latent_channels,
                             configs.unet.in_channels == 9 ? ": this looks like an inpainting model" : ""));
  if (configs.text_encoder.projection_dim != 0 || configs.text_encoder_2.projection_dim == 0)
    incompatible(path,
                 "text_encoder must be a CLIPTextModel and text_encoder_2 a CLIPTextModelWithProjection");
  if (configs.unet.cross_attention_dim != width)
    incompatible(path, fmt::format("the UNet attends to {} features, the text encoders give {} + {}",
                                   configs.unet.cross_attention_dim, configs.text_encoder.hidden_size,
                                   configs.text_encoder_2.hidden_size));
  const int64_t added = configs.text_encoder_2.projection_dim + 6 * configs.unet.addition_time_embed_dim;
  if (configs.unet.projection_class_embeddings_input_dim != added)
    incompatible(
        path, fmt::format("the UNet's added conditioning has {} features, the pooled prompt and six time ids "
                          "give {}",
                          configs.unet.projection_class_embeddings_input_dim, added));
}

void check_tokenizer(const ClipTokenizer& tokenizer, const ClipTextConfig& config, const fs::path& path) {
  if (tokenizer.max_length() > config.max_position_embeddings)
    incompatible(path, fmt::format("the tokenizer gives {} tokens, the text encoder takes {}",
                                   tokenizer.max_length(), config.max_position_embeddings));
  if (tokenizer.vocab_size() > config.vocab_size)
    incompatible(path, fmt::format("the tokenizer knows {} tokens, the text encoder {}",
                                   tokenizer.vocab_size(), config.vocab_size));
}

/// Before 0.12, diffusers gave the attention layers of autoencoders other names.
TensorSource with_new_attention_names(const TensorSource& source) {
  static const std::map<std::string, std::string> kNewNames{
      {"query", "to_q"}, {"key", "to_k"}, {"value", "to_v"}, {"proj_attn", "to_out.0"}};
  return renamed(source, [](std::string name) {
    for (const auto& [old_name, new_name] : kNewNames) {
      const std::string old_part = ".attentions.0." + old_name + ".";
      if (const size_t at = name.find(old_part); at != std::string::npos)
        name.replace(at, old_part.size(), ".attentions.0." + new_name + ".");
    }
    return name;
  });
}

struct Sources {
  TensorSource text_encoder, text_encoder_2, unet, vae;
};

int64_t count_parameters(Module& module) {
  int64_t count = 0;
  module.for_each_parameter([&](const std::string&, Module::Parameter&) { ++count; });
  return count;
}

void fill(Sdxl& base, const Sources& sources, ProgressSink& progress) {
  const auto [device, dtype] = base.policy;
  Stage stage(progress, "load",
              count_parameters(base.text_encoder) + count_parameters(base.text_encoder_2) +
                  count_parameters(base.unet) + count_parameters(base.vae));
  const auto filled = [&stage] { stage.step(); };
  std::vector<std::string> unused;
  const auto unused_by = [&](const ClipTextModel& encoder) {
    return [&unused, with_projection = encoder.config.projection_dim != 0](const std::string& name) {
      const bool ignore = is_unused_by_text_encoder(name, with_projection);
      if (ignore) unused.push_back(name);
      return ignore;
    };
  };
  load_parameters(base.text_encoder, sources.text_encoder, device, dtype, unused_by(base.text_encoder),
                  filled);
  load_parameters(base.text_encoder_2, sources.text_encoder_2, device, dtype, unused_by(base.text_encoder_2),
                  filled);
  if (const std::string note = note_of_unused_tensors(unused); !note.empty()) progress.note(note);
  load_parameters(base.unet, sources.unet, device, dtype, nullptr, filled);
  load_parameters(base.vae, sources.vae, device, base.vae.config.force_upcast ? at::kFloat : dtype, nullptr,
                  filled);
}

/// @param tokenizers  a folder with tokenizer/ and tokenizer_2/
std::unique_ptr<Sdxl> assemble(const fs::path& path, const fs::path& tokenizers, const Configs& configs,
                               const DevicePolicy& policy) {
  check_fit(configs, path);
  // Members that can be neither copied nor moved are built in place.
  std::unique_ptr<Sdxl> base(new Sdxl{.path = path,
                                      .tokenizer = ClipTokenizer(tokenizers / "tokenizer"),
                                      .tokenizer_2 = ClipTokenizer(tokenizers / "tokenizer_2"),
                                      .text_encoder = ClipTextModel(configs.text_encoder),
                                      .text_encoder_2 = ClipTextModel(configs.text_encoder_2),
                                      .unet = UNet2DConditionModel(configs.unet),
                                      .vae = AutoencoderKL(configs.vae),
                                      .scheduler_config = json::object(),
                                      .policy = policy});
  check_tokenizer(base->tokenizer, configs.text_encoder, tokenizers / "tokenizer");
  check_tokenizer(base->tokenizer_2, configs.text_encoder_2, tokenizers / "tokenizer_2");
  return base;
}

void check_pipeline_class(const json& index, const fs::path& path) {
  const std::string name = index.value("_class_name", "");
  const auto encoder = index.find("text_encoder");
  const bool refiner =
      encoder != index.end() && encoder->is_array() && !encoder->empty() && encoder->front().is_null();
  if (name.starts_with("StableDiffusionXL") && !refiner) return;
  const char* looks_like = refiner                                ? "the SDXL refiner"
                           : name.starts_with("StableDiffusion3") ? "Stable Diffusion 3"
                           : name.starts_with("StableDiffusion")  ? "Stable Diffusion 1 or 2"
                           : name.starts_with("Flux")             ? "Flux"
                                                                  : "another model";
  incompatible(
      path,
      fmt::format("_class_name is \"{}\", \"StableDiffusionXLPipeline\" is expected; this looks like {}",
                  name, looks_like));
}

/// DPM-Solver's lambda_min_clipped is −∞ by default, which diffusers saves as Python's "-Infinity"; JSON has no
/// such number.
json read_scheduler_config(const fs::path& path) {
  std::string text = read_file(path);
  for (const std::string_view infinity : {": -Infinity", ": Infinity", ": NaN"})
    for (size_t at; (at = text.find(infinity)) != std::string::npos;)
      text.replace(at, infinity.size(), ": null");
  const auto config = parse_json(text);
  return config && config->is_object() ? *config : read_json_object(path);  // which says what is wrong
}

std::unique_ptr<Sdxl> load_folder(const fs::path& folder, const DevicePolicy& policy,
                                  ProgressSink& progress) {
  const json index = read_json_object(folder / "model_index.json");
  check_pipeline_class(index, folder / "model_index.json");
  const Configs configs{.text_encoder = text_config(folder / "text_encoder"),
                        .text_encoder_2 = text_config(folder / "text_encoder_2"),
                        .unet = model_config<UNet2DConditionConfig>(folder / "unet"),
                        .vae = model_config<AutoencoderKLConfig>(folder / "vae")};
  std::unique_ptr<Sdxl> base = assemble(folder, folder, configs, policy);
  base->scheduler_config = read_scheduler_config(folder / "scheduler" / "scheduler_config.json");
  base->force_zeros_for_empty_prompt = index.value("force_zeros_for_empty_prompt", true);
  const auto weights = [&](const char* component, const char* stem) {
    return open_component_weights(folder / component, stem, policy.dtype);
  };
  const auto text_weights = [&](const char* component) {
    return renamed(weights(component, kTextEncoderWeights), with_text_model_level);
  };
  fill(*base,
       {.text_encoder = text_weights("text_encoder"),
        .text_encoder_2 = text_weights("text_encoder_2"),
        .unet = weights("unet", kUNetWeights),
        .vae = with_new_attention_names(weights("vae", kUNetWeights))},
       progress);
  return base;
}

/// The companion folder if it has tokenizers, otherwise CLIP's own, which every published SDXL uses.
fs::path tokenizers_of(const fs::path& file) {
  const fs::path companion = companion_folder(file);
  const auto missing = [&](const char* tokenizer) { return !fs::exists(companion / tokenizer); };
  if (!missing("tokenizer") && !missing("tokenizer_2")) return companion;
  if (missing("tokenizer") && missing("tokenizer_2"))
    if (const auto vocabulary = find_asset("clip/tokenizer/vocab.json"))
      return vocabulary->parent_path().parent_path();
  throw Error(ErrorKind::kInput, "load " + file.string(),
              fmt::format("a single file holds no tokenizer, and {} is missing",
                          (companion / (missing("tokenizer") ? "tokenizer" : "tokenizer_2")).string()),
              fmt::format("put the folders tokenizer/ and tokenizer_2/ of any SDXL diffusers folder into {}",
                          companion.string()));
}

std::unique_ptr<Sdxl> load_single_file(const fs::path& file, const DevicePolicy& policy,
                                       ProgressSink& progress) {
  const SingleFileBase single_file(file);
  const fs::path companion = companion_folder(file);
  const auto has_config = [&](const char* component) {
    return fs::exists(companion / component / "config.json");
  };
  Configs configs;
  configs.text_encoder_2 = open_clip_bigg();
  if (has_config("text_encoder")) configs.text_encoder = text_config(companion / "text_encoder");
  if (has_config("text_encoder_2")) configs.text_encoder_2 = text_config(companion / "text_encoder_2");
  if (has_config("unet")) configs.unet = model_config<UNet2DConditionConfig>(companion / "unet");
  if (has_config("vae")) configs.vae = model_config<AutoencoderKLConfig>(companion / "vae");
  std::unique_ptr<Sdxl> base = assemble(file, tokenizers_of(file), configs, policy);
  std::vector<std::string> notes;
  base->scheduler_config = fs::exists(companion / "scheduler" / "scheduler_config.json")
                               ? read_scheduler_config(companion / "scheduler" / "scheduler_config.json")
                               : single_file.scheduler_config(notes);
  single_file.refuse_strangers();
  notes.push_back(single_file.note_of_unused());
  for (const std::string& note : notes)
    if (!note.empty()) progress.note(note);
  fill(*base,
       {.text_encoder = single_file.text_encoder(),
        .text_encoder_2 = single_file.text_encoder_2(configs.text_encoder_2),
        .unet = single_file.unet(configs.unet),
        .vae = single_file.vae(configs.vae)},
       progress);
  return base;
}

/// Before memory is asked for: SDXL draws 1024 pixels well, and four times as many with tricks.
constexpr int64_t kMostSide = 16'384;

}  // namespace

PromptEmbeddings Sdxl::encode_prompt(const std::vector<std::string>& prompts, ProgressSink& progress) const {
  if (prompts.empty()) throw Error(ErrorKind::kInternal, "encode prompt", "there is no prompt to encode");
  const auto token_ids = [&](const ClipTokenizer& of, bool warn) {
    std::vector<int64_t> ids;
    for (const std::string& prompt : prompts) {
      const TokenizedPrompt tokens = of.encode(prompt);
      ids.insert(ids.end(), tokens.ids.begin(), tokens.ids.end());
      if (warn && !tokens.truncated_text.empty())
        progress.warning(fmt::format("the prompt is longer than {} tokens; left out: \"{}\"",
                                     of.max_length() - 2, tokens.truncated_text));
    }
    return at::tensor(ids, at::kLong)
        .view({static_cast<int64_t>(prompts.size()), of.max_length()})
        .to(policy.device);
  };
  const ClipTextOutput first = text_encoder.forward(token_ids(tokenizer, true));
  const ClipTextOutput second = text_encoder_2.forward(token_ids(tokenizer_2, false));
  return {.prompt_embeds = at::cat({first.penultimate, second.penultimate}, -1),
          .pooled_prompt_embeds = second.pooled};
}

int64_t Sdxl::default_image_size() const { return unet.config.sample_size * vae.config.downsampling(); }

int64_t Sdxl::image_size_step() const {
  // The UNet halves the latents after each block but the last; a size in between would not come back whole.
  return vae.config.downsampling() << (unet.config.block_out_channels.size() - 1);
}

void Sdxl::check_image_size(int64_t height, int64_t width, const std::string& where) const {
  const int64_t step = image_size_step();
  if (height > kMostSide || width > kMostSide)
    throw Error(ErrorKind::kUsage, where,
                fmt::format("{} × {} pixels (height × width) are too many: sides have at most {}", height,
                            width, kMostSide),
                "draw a smaller image, and enlarge it");
  if (height > 0 && width > 0 && height % step == 0 && width % step == 0) return;
  const auto nearest = [&](int64_t side) { return std::max<int64_t>(1, (side + step / 2) / step) * step; };
  const int64_t near_height = nearest(height), near_width = nearest(width);
  throw Error(ErrorKind::kUsage, where,
              fmt::format("this base does not draw {} × {} pixels (height × width)", height, width),
              fmt::format("use multiples of {}, for example {}", step,
                          near_height == near_width ? std::to_string(near_height)
                                                    : fmt::format("{} × {}", near_height, near_width)));
}

std::map<std::string, Module*> Sdxl::components() {
  return {{"unet", &unet}, {"text_encoder", &text_encoder}, {"text_encoder_2", &text_encoder_2}};
}

std::unique_ptr<Sdxl> load_sdxl(const fs::path& folder_or_file, const DevicePolicy& policy,
                                ProgressSink& progress) try {
  if (!fs::exists(folder_or_file))
    throw Error(ErrorKind::kInput, "load " + folder_or_file.string(), "there is no such folder or file",
                "a base is a diffusers folder (with model_index.json) or one .safetensors file");
  return fs::is_directory(folder_or_file) ? load_folder(folder_or_file, policy, progress)
                                          : load_single_file(folder_or_file, policy, progress);
} catch (const nlohmann::json::exception& error) {
  // Fields whose type nothing above looked at.
  throw Error(ErrorKind::kInput, "load " + folder_or_file.string(),
              fmt::format("a field of its configs has a value of the wrong type: {}", error.what()),
              "take the files of the base model as they were published");
}

}  // namespace ziplora
