#pragma once
/// What other programs' loaders depend on in a LoRA file: how its keys are spelled, which tensors it has,
/// what its metadata say. loader_support.cpp holds the rules over these facts.
///
///     const FileFacts facts = file_facts(survey, names.has_sdxl_sizes());

#include <cstdint>

#include "ziplora/lora/adapter_survey.h"

namespace ziplora {

struct FileFacts {
  bool sdxl_sizes = true;  ///< those of SDXL base 1.0; false: those of a relative, such as the miniature

  // Names.
  bool kohya_sgm = false, kohya_diffusers = false, lycoris_prefix = false;
  bool other_spellings = false;   ///< layers beside those in kohya_diffusers names
  bool diffusers_modern = false;  ///< unet.….lora_A.weight
  bool diffusers_middle = false;  ///< unet.….lora.down.weight, lora_linear_layer
  bool diffusers_oldest = false;  ///< ….processor.to_q_lora.down.weight
  bool peft = false, comfy = false;
  bool bare_sgm = false;                          ///< input_blocks.4.1.….lora_A.weight
  bool omi = false;                               ///< unet.input_blocks.4.1.….lora_down.weight, clip_l.…
  bool wrapped = false;                           ///< unet._orig_mod.…, unet.module.…, unet.unet.…
  bool upsampler_in_diffusers_names = false;      ///< lora_unet_up_blocks_0_upsamplers_0_conv
  bool add_embedding_in_diffusers_names = false;  ///< lora_unet_add_embedding_linear_1

  // Kinds and their tensors.
  bool plain_lora = false;  ///< up and down factors, with or without DoRA's magnitude
  bool core = false;        ///< lora_mid
  bool loha_or_lokr = false;
  bool lokr_core = false;  ///< lokr_t2
  bool full = false, oft_or_glora = false, ia3 = false;
  bool dora = false;
  bool dora_on_output = false;  ///< a magnitude for each row of the weight
  bool norms_or_biases = false;
  bool untried_kind = false;  ///< a kind that no rule speaks of
  bool uneven_alpha = false;  ///< attention layers of one component differ in alpha, or only some have one
  bool alpha_beside_lora_a = false;

  // Layers.
  bool attention_layers = false;
  bool part_of_clip_g_attention = false;
  bool encoder_attention_without_out_proj = false;
  bool encoder_without_attention = false;  ///< but with other layers
  bool text_projection = false;
  bool text_projection_alone = false;  ///< without another layer of its encoder
  bool text_projection_in_diffusers_names = false;
  bool text_projection_of_another_rank = false;  ///< than most layers of its encoder
  bool outside_blocks = false;                   ///< conv_in, conv_out, time_embedding, add_embedding
  bool shows_sdxl_to_invokeai = true;

  // What is not a layer.
  bool orphans = false, stray_keys = false;
  bool embeddings = false;           ///< bundled textual inversions
  int64_t keys_beside_the_lora = 0;  ///< of textual inversions, and of no known kind
  /// Keys of layers: UNet attention in diffusers' newer names, text encoders in ComfyUI's.
  int64_t keys_unknown_to_forge = 0;

  // Metadata.
  bool hidden_in_webui = false;  ///< there is metadata, but no ss_base_model_version that starts with "sdxl_"
  bool adapter_metadata = false;
};

FileFacts file_facts(const AdapterSurvey& survey, bool sdxl_sizes);

}  // namespace ziplora
