#include "mini/pretrain/mini_config.h"

#include "ziplora/base/atomic_file.h"

namespace ziplora::mini {

AutoencoderKLConfig autoencoder_config() {
  AutoencoderKLConfig config;
  config.block_out_channels = {24, 48, 96};
  config.layers_per_block = 1;
  config.norm_num_groups = 8;
  config.sample_size = kImageSize;
  config.force_upcast = false;
  return config;
}

namespace {
ClipTextConfig text_config(const Vocabulary& vocabulary, int64_t hidden_size, int64_t layers, int64_t heads) {
  ClipTextConfig config;
  config.vocab_size = vocabulary.size();
  config.hidden_size = hidden_size;
  config.intermediate_size = 4 * hidden_size;
  config.num_hidden_layers = layers;
  config.num_attention_heads = heads;
  config.max_position_embeddings = kMaxTokens;
  config.bos_token_id = vocabulary.bos_token_id();
  config.eos_token_id = vocabulary.eos_token_id();
  config.pad_token_id = vocabulary.eos_token_id();
  return config;
}
}  // namespace

ClipTextConfig text_encoder_config(const Vocabulary& vocabulary) {
  ClipTextConfig config = text_config(vocabulary, 128, 4, 2);
  config.hidden_act = Activation::kQuickGelu;
  return config;
}

ClipTextConfig text_encoder_2_config(const Vocabulary& vocabulary) {
  ClipTextConfig config = text_config(vocabulary, 192, 5, 3);
  config.hidden_act = Activation::kGelu;
  config.projection_dim = kProjectionDim;
  return config;
}

ClipVisionConfig vision_config() {
  ClipVisionConfig config;
  config.hidden_size = 128;
  config.intermediate_size = 512;
  config.num_hidden_layers = 5;
  config.num_attention_heads = 2;
  config.image_size = kImageSize;
  config.patch_size = 8;
  config.projection_dim = kProjectionDim;
  return config;
}

UNet2DConditionConfig unet_config() {
  UNet2DConditionConfig config;
  config.sample_size = kImageSize / autoencoder_config().downsampling();
  config.block_out_channels = {64, 128, 192};
  config.transformer_layers_per_block = {1, 1, 1};
  config.num_attention_heads = {2, 4, 6};
  config.cross_attention_dim = 128 + 192;
  config.norm_num_groups = 16;
  config.addition_time_embed_dim = 32;
  config.projection_class_embeddings_input_dim = kProjectionDim + 6 * config.addition_time_embed_dim;
  return config;
}

void write_pipeline_files(const std::filesystem::path& folder) {
  const nlohmann::json index = {
      {"_class_name", "StableDiffusionXLPipeline"},
      {"_diffusers_version", "0.42.0"},
      {"force_zeros_for_empty_prompt", true},
      {"scheduler", {"diffusers", "EulerDiscreteScheduler"}},
      {"text_encoder", {"transformers", "CLIPTextModel"}},
      {"text_encoder_2", {"transformers", "CLIPTextModelWithProjection"}},
      {"tokenizer", {"transformers", "CLIPTokenizer"}},
      {"tokenizer_2", {"transformers", "CLIPTokenizer"}},
      {"unet", {"diffusers", "UNet2DConditionModel"}},
      {"vae", {"diffusers", "AutoencoderKL"}},
  };
  // At the end of SDXL's own schedule (beta_end 0.012) a latent still holds 0.5 % signal. A flat drawing
  // spreads one signal over hundreds of values, so the UNet could read its outline there, learned to do so,
  // and then read outlines into pure noise: every prompt of a seed got the same outline. This schedule ends
  // at 0.001 %. The UNet predicts v because the error of epsilon says almost nothing about the image where
  // there is little signal.
  const nlohmann::json scheduler = {
      {"_class_name", "EulerDiscreteScheduler"},
      {"_diffusers_version", "0.42.0"},
      {"beta_end", 0.03},
      {"beta_schedule", "scaled_linear"},
      {"beta_start", 0.00085},
      {"clip_sample", false},
      {"interpolation_type", "linear"},
      {"num_train_timesteps", 1000},
      {"prediction_type", "v_prediction"},
      {"set_alpha_to_one", false},
      {"steps_offset", 1},
      {"timestep_spacing", "leading"},
      {"use_karras_sigmas", false},
  };
  // How a LoRA of this base is trained unless the user says otherwise.
  const nlohmann::json training_defaults = {
      {"rank", 8},    {"targets", "linear"}, {"lr", 2e-3},      {"lr_schedule", "cosine"},
      {"warmup", 20}, {"iterations", 300},   {"batch_size", 4}, {"prior_images", 12}};
  std::filesystem::create_directories(folder / "scheduler");
  // A base that training goes on from keeps its own files: weights that predict epsilon are useless under v.
  for (const auto& [name, content] : {std::pair("training_defaults.json", training_defaults),
                                      {"model_index.json", index},
                                      {"scheduler/scheduler_config.json", scheduler}})
    if (!std::filesystem::exists(folder / name)) write_text_file(folder / name, content.dump(2) + "\n");
}

}  // namespace ziplora::mini
