#pragma once
/// Which programs load a LoRA file fully, in part, with another effect, or not at all, and why. A table of
/// rules over facts of the file: each rule is one line in loader_support.cpp with the program, the verdict
/// and the reason.
///
///     for (const ProgramSupport& program : loader_support(file_facts(survey, names))) …
///
/// The rules were read in the programs' sources (named in loader_support.cpp), and tried with diffusers and
/// PEFT (tests/parity/test_lora_files.py); other versions may behave otherwise.

#include <string>
#include <vector>

#include "ziplora/lora/adapter_survey.h"

namespace ziplora {

/// What the rules look at.
struct FileFacts {
  bool sdxl_sizes = true;  ///< of SDXL base 1.0; false: a relative, such as the embedded base
  // Names.
  bool kohya_sgm = false, kohya_diffusers = false, lycoris_prefix = false;
  bool diffusers_modern = false;  ///< unet.….lora_A.weight
  bool diffusers_middle = false;  ///< unet.….lora.down.weight, lora_linear_layer
  bool diffusers_oldest = false;  ///< ….processor.to_q_lora.down.weight
  bool peft = false, comfy = false;
  bool upsampler_in_diffusers_names = false;  ///< lora_unet_up_blocks_0_upsamplers_0_conv
  // Tensors.
  bool uneven_alpha = false;  ///< attention layers of one component differ in alpha, or only some have one
  bool alpha_beside_lora_a = false;
  bool core = false, loha_or_lokr = false, lokr_core = false, full = false;
  bool dora = false, norms_or_biases = false, other_family = false;
  bool orphans = false, stray_keys = false, embeddings = false, text_projection = false;
  bool encoder_attention_without_out_proj = false;
  bool attention_layers = false, part_of_clip_g_attention = false, no_cross_attention = false;
  // Metadata.
  bool hidden_in_webui = false;  ///< there is metadata, and no ss_base_model_version that starts with "sdxl_"
  bool adapter_metadata = false;
};

FileFacts file_facts(const AdapterSurvey& survey, bool sdxl_sizes);

enum class Verdict { kFully, kUnknown, kPartly, kWrongly, kNot };  ///< each worse than the one before
const char* name_of(Verdict verdict);  ///< "fully", "unknown", "partly", "wrongly", "not"

struct ProgramSupport {
  const char* program;
  Verdict verdict = Verdict::kFully;  ///< the worst of the rules that apply
  std::vector<std::string> reasons;
};

/// Every program of the table, in its order.
std::vector<ProgramSupport> loader_support(const FileFacts& facts);

}  // namespace ziplora
