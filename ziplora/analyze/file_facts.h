#pragma once
/// What other programs' loaders depend on in a LoRA file: how its keys are spelled, which tensors it has,
/// what its metadata say. The rules over these facts are in loader_support.cpp.
///
///     FileFacts facts = file_facts(survey, /*sdxl_sizes=*/true);

#include "ziplora/lora/adapter_survey.h"

namespace ziplora {

struct FileFacts {
  bool sdxl_sizes = true;  ///< of SDXL base 1.0; false: a relative, such as the embedded base
  // Names.
  bool other_spellings = false;  ///< layers beside those in kohya_diffusers names
  bool kohya_sgm = false, kohya_diffusers = false, lycoris_prefix = false;
  bool diffusers_modern = false;  ///< unet.….lora_A.weight
  bool diffusers_middle = false;  ///< unet.….lora.down.weight, lora_linear_layer
  bool diffusers_oldest = false;  ///< ….processor.to_q_lora.down.weight
  bool peft = false, comfy = false;
  bool bare_sgm = false;                          ///< input_blocks.4.1.….lora_A.weight
  bool upsampler_in_diffusers_names = false;      ///< lora_unet_up_blocks_0_upsamplers_0_conv
  bool add_embedding_in_diffusers_names = false;  ///< lora_unet_add_embedding_linear_1
  // Tensors.
  bool uneven_alpha = false;  ///< attention layers of one component differ in alpha, or only some have one
  bool alpha_beside_lora_a = false;
  bool core = false, loha_or_lokr = false, lokr_core = false, full = false;
  bool plain_lora = false;      ///< up and down factors, with or without DoRA's magnitude
  bool dora_on_output = false;  ///< a magnitude for each row of the weight
  bool dora = false, norms_or_biases = false;
  bool untried_kind = false;  ///< a kind of layers that no rule speaks of
  bool oft_or_glora = false, ia3 = false;
  bool orphans = false, stray_keys = false, embeddings = false;
  bool text_projection = false;
  bool text_projection_in_diffusers_names = false;
  bool text_projection_of_another_rank = false;  ///< than most layers of its encoder
  bool encoder_attention_without_out_proj = false;
  bool encoder_without_attention = false;  ///< with other layers
  bool text_projection_alone = false;      ///< without another layer of its encoder
  bool attention_layers = false, part_of_clip_g_attention = false;
  int64_t keys_unknown_to_forge =
      0;  ///< of layers: UNet attention in diffusers' newer names, ComfyUI's encoders
  int64_t keys_beside_the_lora = 0;  ///< textual inversions, and keys of no known kind
  bool outside_blocks = false;       ///< conv_in, conv_out, time_embedding, add_embedding
  bool shows_sdxl_to_invokeai = true;
  // Metadata.
  bool hidden_in_webui = false;  ///< there is metadata, and no ss_base_model_version that starts with "sdxl_"
  bool adapter_metadata = false;
};

FileFacts file_facts(const AdapterSurvey& survey, bool sdxl_sizes);

}  // namespace ziplora
