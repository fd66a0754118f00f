// These programs were run (tests/loaders keeps the results, with the versions): diffusers, kohya sd-scripts,
// ComfyUI, Forge, InvokeAI, PEFT. Of these only the code was read: AUTOMATIC1111/stable-diffusion-webui
// extensions-builtin/Lora/networks.py, leejet/stable-diffusion.cpp src/name_conversion.cpp and
// src/model/adapter/lora.hpp.
#include "ziplora/analyze/loader_support.h"

#include <algorithm>
#include <string_view>

namespace ziplora {
namespace {

using Facts = FileFacts;

bool kohya_names(const Facts& f) { return f.kohya_sgm || f.kohya_diffusers; }
bool dotted_names(const Facts& f) {
  return f.diffusers_modern || f.diffusers_middle || f.diffusers_oldest || f.peft || f.comfy || f.bare_sgm;
}
bool omi_names(const Facts& f) { return f.omi; }
bool lacks_prefix(const Facts& f) { return f.peft || f.bare_sgm; }
bool multiplies_the_base(const Facts& f) { return f.oft_or_glora || f.ia3; }
bool lycoris(const Facts& f) {
  return f.core || f.loha_or_lokr || f.full || f.dora || f.norms_or_biases || multiplies_the_base(f);
}

struct Rule {
  const char* program;
  Verdict verdict;
  bool (*applies)(const Facts& facts);
  const char* reason;
};

constexpr const char* kNoOutsideBlocks =
    "conv_in, conv_out, time_embedding and add_embedding layers are dropped";
constexpr const char* kNoAddEmbedding = "add_embedding layers in diffusers' block names are dropped";
constexpr const char* kOwnSizes = "it knows SDXL's own layer sizes only, and this file is for another base";

/// For ComfyUI and Forge as people reported it (Nerogar/OneTrainer#885), for the others as their code reads.
constexpr const char* kNoOmi = "OneTrainer's OMI names are unknown to it";

const Rule kRules[] = {
    {"diffusers", Verdict::kNot, [](const Facts& f) { return f.peft; },
     "keys without a component's name are left out; load the folder with PEFT"},
    {"diffusers", Verdict::kNot, [](const Facts& f) { return f.comfy || f.bare_sgm || f.lycoris_prefix; },
     "its keys start with none of the prefixes that are looked for"},
    {"diffusers", Verdict::kNot, omi_names, kNoOmi},
    {"diffusers", Verdict::kNot,
     [](const Facts& f) {
       return kohya_names(f) &&
              (f.core || f.loha_or_lokr || f.full || f.norms_or_biases || multiplies_the_base(f));
     },
     "lora_mid, LoHa, LoKr, OFT, GLoRA, IA3, whole differences and norms are refused"},
    {"diffusers", Verdict::kNot, [](const Facts& f) { return f.orphans; }, "a factor lacks its counterpart"},
    {"diffusers", Verdict::kNot, [](const Facts& f) { return f.embeddings; },
     "bundled textual inversions are refused"},
    {"diffusers", Verdict::kNot, [](const Facts& f) { return f.alpha_beside_lora_a; },
     "alpha tensors beside lora_A and lora_B are refused"},
    {"diffusers", Verdict::kNot, [](const Facts& f) { return kohya_names(f) && f.adapter_metadata; },
     "kohya's keys together with lora_adapter_metadata are refused"},
    {"diffusers", Verdict::kNot,
     [](const Facts& f) { return kohya_names(f) && f.encoder_attention_without_out_proj; },
     "a text encoder's attention layers without any out_proj are refused, or dropped"},
    {"diffusers", Verdict::kWrongly, [](const Facts& f) { return kohya_names(f) && f.dora; },
     "dora_scale is dropped"},
    {"diffusers", Verdict::kWrongly, [](const Facts& f) { return kohya_names(f) && f.uneven_alpha; },
     "one alpha is used for all attention layers of a component, and here they differ"},
    {"diffusers", Verdict::kPartly, [](const Facts& f) { return f.kohya_sgm && f.kohya_diffusers; },
     "of a mixture of block names, the sgm ones are dropped"},
    {"diffusers", Verdict::kPartly, [](const Facts& f) { return f.add_embedding_in_diffusers_names; },
     kNoAddEmbedding},
    {"diffusers", Verdict::kNot, [](const Facts& f) { return f.stray_keys; },
     "a key without \"lora\" in its name is refused"},
    {"diffusers", Verdict::kNot,
     [](const Facts& f) { return f.diffusers_modern && f.encoder_without_attention; },
     "a text encoder's layers without any attention among them are refused"},
    {"diffusers", Verdict::kNot, [](const Facts& f) { return kohya_names(f) && f.text_projection_alone; },
     "a text_projection without other layers of its encoder is refused"},
    {"diffusers", Verdict::kNot,
     [](const Facts& f) { return f.text_projection_of_another_rank && !f.adapter_metadata; },
     "a text_projection of another rank than most layers of its encoder is refused"},
    {"PEFT", Verdict::kNot, [](const Facts& f) { return !f.peft; }, "it reads its own folders only"},
    {"kohya sd-scripts", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"kohya sd-scripts", Verdict::kNot, omi_names, kNoOmi},
    {"kohya sd-scripts", Verdict::kNot, [](const Facts& f) { return dotted_names(f) || f.lycoris_prefix; },
     "it knows its own flattened names only"},
    {"kohya sd-scripts", Verdict::kNot, [](const Facts& f) { return lycoris(f) && !f.plain_lora; },
     "these layers need the LyCORIS module"},
    {"kohya sd-scripts", Verdict::kNot, [](const Facts& f) { return f.core; },
     "lora_mid layers are refused; they need the LyCORIS module"},
    {"kohya sd-scripts", Verdict::kWrongly, [](const Facts& f) { return f.dora; }, "dora_scale is dropped"},
    {"kohya sd-scripts", Verdict::kPartly, [](const Facts& f) { return lycoris(f); },
     "all but plain LoRA layers are dropped; they need the LyCORIS module"},
    {"kohya sd-scripts", Verdict::kPartly, [](const Facts& f) { return f.outside_blocks; }, kNoOutsideBlocks},
    {"kohya sd-scripts", Verdict::kPartly, [](const Facts& f) { return f.text_projection; },
     "text_projection is dropped"},
    {"kohya merge script", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"kohya merge script", Verdict::kNot, omi_names, kNoOmi},
    {"kohya merge script", Verdict::kNot, [](const Facts& f) { return dotted_names(f) || f.lycoris_prefix; },
     "it knows its own flattened names only"},
    {"kohya merge script", Verdict::kNot,
     [](const Facts& f) { return f.kohya_diffusers && !f.other_spellings; },
     "sdxl_merge_lora.py knows sgm block names only"},
    {"kohya merge script", Verdict::kNot, [](const Facts& f) { return f.orphans; },
     "a factor lacks its counterpart"},
    {"kohya merge script", Verdict::kNot, [](const Facts& f) { return lycoris(f) && !f.plain_lora; },
     "it merges plain LoRA layers only"},
    {"kohya merge script", Verdict::kWrongly, [](const Facts& f) { return f.dora || f.core; },
     "dora_scale and lora_mid are dropped"},
    {"kohya merge script", Verdict::kPartly, [](const Facts& f) { return f.kohya_diffusers; },
     "sdxl_merge_lora.py knows sgm block names only; the others are dropped"},
    {"kohya merge script", Verdict::kPartly, [](const Facts& f) { return lycoris(f); },
     "all but plain LoRA layers are dropped"},
    {"kohya merge script", Verdict::kPartly, [](const Facts& f) { return f.outside_blocks; },
     kNoOutsideBlocks},
    {"kohya merge script", Verdict::kPartly, [](const Facts& f) { return f.text_projection; },
     "text_projection is dropped"},
    {"ComfyUI", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"ComfyUI", Verdict::kNot, lacks_prefix, "its keys lack a known prefix"},
    {"ComfyUI", Verdict::kNot, omi_names, kNoOmi},
    {"ComfyUI", Verdict::kPartly, [](const Facts& f) { return f.ia3; }, "IA3 layers are dropped"},
    {"ComfyUI", Verdict::kWrongly, [](const Facts& f) { return f.dora_on_output; },
     "DoRA over the output axis is divided by the base's norm (0.3.64)"},
    {"ComfyUI", Verdict::kPartly, [](const Facts& f) { return f.lokr_core; },
     "lokr_t2 layers fail with today's PyTorch, are logged and left out (0.3.64)"},
    {"ComfyUI", Verdict::kPartly,
     [](const Facts& f) { return (f.diffusers_modern || f.diffusers_middle) && f.attention_layers; },
     "attention layers in today's diffusers names are dropped"},
    {"ComfyUI", Verdict::kPartly, [](const Facts& f) { return f.text_projection_in_diffusers_names; },
     "text_projection in diffusers' names is dropped"},
    {"Forge", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"Forge", Verdict::kNot, lacks_prefix, "its keys lack a known prefix"},
    {"Forge", Verdict::kNot, omi_names, kNoOmi},
    {"Forge", Verdict::kNot,
     [](const Facts& f) { return f.keys_unknown_to_forge + f.keys_beside_the_lora > 12; },
     "more than 12 keys match nothing (attention in today's diffusers names, encoders in ComfyUI's): it "
     "leaves the whole file out"},
    {"Forge", Verdict::kPartly, [](const Facts& f) { return f.keys_unknown_to_forge > 0; },
     "attention layers and text_projection in diffusers' names and encoders in ComfyUI's are dropped"},
    {"Forge", Verdict::kNot, [](const Facts& f) { return f.lokr_core; },
     "lokr_t2 layers fail with today's PyTorch, and the file with them"},
    {"Forge", Verdict::kWrongly, [](const Facts& f) { return f.dora_on_output; },
     "DoRA over the output axis is divided by the base's norm"},
    {"Forge", Verdict::kUnknown, multiplies_the_base, "was not tried"},
    {"A1111", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"A1111", Verdict::kNot, dotted_names, "it knows flattened names only"},
    {"A1111", Verdict::kNot, omi_names, kNoOmi},
    {"A1111", Verdict::kUnknown, [](const Facts& f) { return f.lycoris_prefix; },
     "this prefix was not tried"},
    {"A1111", Verdict::kPartly, [](const Facts& f) { return f.upsampler_in_diffusers_names; },
     "up_blocks_0_upsamplers_0_conv is looked for in the wrong place"},
    {"A1111", Verdict::kPartly, [](const Facts& f) { return f.add_embedding_in_diffusers_names; },
     kNoAddEmbedding},
    {"A1111", Verdict::kPartly, [](const Facts& f) { return f.part_of_clip_g_attention; },
     "the second encoder's attention counts only where q, k, v and out_proj are all there"},
    {"A1111", Verdict::kPartly, [](const Facts& f) { return f.hidden_in_webui; },
     "hidden while an SDXL model is loaded: ss_base_model_version does not start with sdxl_"},
    {"A1111", Verdict::kWrongly, [](const Facts& f) { return f.dora_on_output; },
     "DoRA over the output axis is normalised over the input axis"},
    {"A1111", Verdict::kPartly, [](const Facts& f) { return f.text_projection; },
     "text_projection is dropped"},
    {"stable-diffusion.cpp", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"stable-diffusion.cpp", Verdict::kNot, lacks_prefix, "its keys lack a known prefix"},
    {"stable-diffusion.cpp", Verdict::kWrongly, [](const Facts& f) { return f.dora; },
     "dora_scale is dropped"},
    {"stable-diffusion.cpp", Verdict::kPartly, multiplies_the_base, "OFT, GLoRA and IA3 are dropped"},
    {"stable-diffusion.cpp", Verdict::kPartly,
     [](const Facts& f) { return f.lokr_core || f.norms_or_biases; }, "lokr_t2 and norms are dropped"},
    {"stable-diffusion.cpp", Verdict::kUnknown, [](const Facts& f) { return f.comfy || f.omi; },
     "was not tried"},
    {"InvokeAI", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"InvokeAI", Verdict::kNot, [](const Facts& f) { return dotted_names(f) || f.lycoris_prefix; },
     "it knows keys that start with lora_unet_, lora_te1_, lora_te2_ only"},
    {"InvokeAI", Verdict::kUnknown, omi_names, "it reads OMI names of some files only; was not tried"},
    {"InvokeAI", Verdict::kNot, [](const Facts& f) { return f.kohya_sgm && f.kohya_diffusers; },
     "a mixture of block names is refused"},
    {"InvokeAI", Verdict::kNot, [](const Facts& f) { return f.oft_or_glora; }, "OFT and GLoRA are refused"},
    {"InvokeAI", Verdict::kNot, [](const Facts& f) { return f.orphans || f.stray_keys; },
     "keys of no known kind are refused"},
    {"InvokeAI", Verdict::kNot, [](const Facts& f) { return !f.shows_sdxl_to_invokeai; },
     "it does not see that this is SDXL: no attn2.to_k or to_v, and no transformer block beyond the second"},
    {"InvokeAI", Verdict::kWrongly, [](const Facts& f) { return f.dora_on_output; },
     "DoRA over the output axis is normalised over the input axis"},
};

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFully:
      return "fully";
    case Verdict::kUnknown:
      return "unknown";
    case Verdict::kPartly:
      return "partly";
    case Verdict::kWrongly:
      return "wrongly";
    case Verdict::kNot:
      return "not";
  }
  return "";
}

std::vector<ProgramSupport> loader_support(const FileFacts& facts) {
  std::vector<ProgramSupport> programs;
  for (const Rule& rule : kRules) {
    if (programs.empty() || std::string_view(programs.back().program) != rule.program)
      programs.push_back({rule.program, Verdict::kFully, {}});
    if (!rule.applies(facts)) continue;
    programs.back().verdict = std::max(programs.back().verdict, rule.verdict);
    programs.back().reasons.push_back(rule.reason);
  }
  const auto was_not_tried = [&](bool applies, const char* reason) {
    for (ProgramSupport& program : programs)
      if (applies && program.verdict < Verdict::kUnknown) {
        program.verdict = Verdict::kUnknown;
        program.reasons.push_back(reason);
      }
  };
  was_not_tried(facts.untried_kind, "layers of a kind that was not tried with it");
  was_not_tried(facts.wrapped, "names that hold what a wrapper left were not tried with it");
  return programs;
}

}  // namespace ziplora
