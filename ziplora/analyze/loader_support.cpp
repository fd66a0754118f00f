// Read in: huggingface/diffusers loaders/lora_conversion_utils.py, lora_pipeline.py; kohya-ss/sd-scripts
// networks/lora.py; Comfy-Org/ComfyUI comfy/lora.py; lllyasviel/stable-diffusion-webui-forge
// packages_3rdparty/comfyui_lora_collection; AUTOMATIC1111/stable-diffusion-webui
// extensions-builtin/Lora/networks.py; leejet/stable-diffusion.cpp src/name_conversion.cpp;
// invoke-ai/InvokeAI backend/patches/lora_conversions/.
#include "ziplora/analyze/loader_support.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace ziplora {
namespace {

using Facts = FileFacts;

bool kohya_names(const Facts& f) { return f.kohya_sgm || f.kohya_diffusers; }
bool dotted_names(const Facts& f) {
  return f.diffusers_modern || f.diffusers_middle || f.diffusers_oldest || f.peft || f.comfy;
}
bool lycoris(const Facts& f) { return f.core || f.loha_or_lokr || f.full || f.dora || f.norms_or_biases; }

struct Rule {
  const char* program;
  Verdict verdict;
  bool (*applies)(const Facts& facts);
  const char* reason;
};

constexpr const char* kOwnSizes = "it knows SDXL's own layer sizes only, and this file is for another base";

const Rule kRules[] = {
    {"diffusers", Verdict::kNot, [](const Facts& f) { return f.peft; },
     "keys without a component's name are left out; load the folder with PEFT"},
    {"diffusers", Verdict::kNot, [](const Facts& f) { return f.comfy || f.lycoris_prefix; },
     "its keys start with none of the prefixes that are looked for"},
    {"diffusers", Verdict::kNot,
     [](const Facts& f) {
       return kohya_names(f) && (f.core || f.loha_or_lokr || f.full || f.norms_or_biases);
     },
     "lora_mid, LoHa, LoKr, whole differences and norms are refused"},
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
    {"diffusers", Verdict::kPartly, [](const Facts& f) { return f.text_projection; },
     "text_projection is dropped or fails"},
    {"PEFT", Verdict::kNot, [](const Facts& f) { return !f.peft; }, "it reads its own folders only"},
    {"kohya sd-scripts", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"kohya sd-scripts", Verdict::kNot, [](const Facts& f) { return dotted_names(f) || f.lycoris_prefix; },
     "it knows its own flattened names only"},
    {"kohya sd-scripts", Verdict::kNot, lycoris, "these layers need the LyCORIS module"},
    {"kohya sd-scripts", Verdict::kPartly, [](const Facts& f) { return f.text_projection; },
     "text_projection is dropped"},
    {"ComfyUI", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"ComfyUI", Verdict::kNot, [](const Facts& f) { return f.peft; }, "its keys lack a known prefix"},
    {"ComfyUI", Verdict::kPartly,
     [](const Facts& f) { return (f.diffusers_modern || f.diffusers_middle) && f.attention_layers; },
     "attention layers in today's diffusers names are dropped"},
    {"Forge", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"Forge", Verdict::kNot, [](const Facts& f) { return f.peft; }, "its keys lack a known prefix"},
    {"Forge", Verdict::kPartly,
     [](const Facts& f) { return (f.diffusers_modern || f.diffusers_middle) && f.attention_layers; },
     "attention layers in today's diffusers names are dropped; with more than 12, the file"},
    {"Forge", Verdict::kUnknown, [](const Facts& f) { return f.comfy; }, "its older loader was not tried"},
    {"A1111", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"A1111", Verdict::kNot, dotted_names, "it knows flattened names only"},
    {"A1111", Verdict::kUnknown, [](const Facts& f) { return f.lycoris_prefix; },
     "this prefix was not tried"},
    {"A1111", Verdict::kPartly, [](const Facts& f) { return f.upsampler_in_diffusers_names; },
     "up_blocks_0_upsamplers_0_conv is looked for in the wrong place"},
    {"A1111", Verdict::kPartly, [](const Facts& f) { return f.part_of_clip_g_attention; },
     "the second encoder's attention counts only where q, k, v and out_proj are all there"},
    {"A1111", Verdict::kPartly, [](const Facts& f) { return f.hidden_in_webui; },
     "hidden while an SDXL model is loaded: ss_base_model_version does not start with sdxl_"},
    {"A1111", Verdict::kPartly, [](const Facts& f) { return f.text_projection; },
     "text_projection is dropped"},
    {"stable-diffusion.cpp", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"stable-diffusion.cpp", Verdict::kNot, [](const Facts& f) { return f.peft; },
     "its keys lack a known prefix"},
    {"stable-diffusion.cpp", Verdict::kWrongly, [](const Facts& f) { return f.dora; },
     "dora_scale is dropped"},
    {"stable-diffusion.cpp", Verdict::kPartly,
     [](const Facts& f) { return f.lokr_core || f.norms_or_biases; }, "lokr_t2 and norms are dropped"},
    {"stable-diffusion.cpp", Verdict::kUnknown, [](const Facts& f) { return f.comfy; }, "was not tried"},
    {"InvokeAI", Verdict::kNot, [](const Facts& f) { return !f.sdxl_sizes; }, kOwnSizes},
    {"InvokeAI", Verdict::kNot, [](const Facts& f) { return dotted_names(f) || f.lycoris_prefix; },
     "it knows keys that start with lora_unet_, lora_te1_, lora_te2_ only"},
    {"InvokeAI", Verdict::kNot, [](const Facts& f) { return f.kohya_sgm && f.kohya_diffusers; },
     "a mixture of block names is refused"},
    {"InvokeAI", Verdict::kNot, [](const Facts& f) { return f.orphans || f.stray_keys; },
     "keys of no known kind are refused"},
    {"InvokeAI", Verdict::kPartly, [](const Facts& f) { return f.no_cross_attention; },
     "it may not see that this is SDXL: no attn2.to_k layer"},
};

bool has_key(const AdapterSurvey& survey, std::string_view part) {
  return std::any_of(survey.tensors.begin(), survey.tensors.end(),
                     [&](const auto& entry) { return entry.first.find(part) != std::string::npos; });
}

bool attention(const std::string& canonical) {
  return canonical.find(".attn1.") != std::string::npos || canonical.find(".attn2.") != std::string::npos ||
         canonical.find(".self_attn.") != std::string::npos;
}

bool encoder_attention_without_out_proj(const AdapterSurvey& survey) {
  for (const std::string component : {"text_encoder.", "text_encoder_2."}) {
    bool attends = false, has_out = false;
    for (const auto& [canonical, origin] : survey.origins) {
      if (!canonical.starts_with(component) || !attention(canonical)) continue;
      attends = true;
      has_out = has_out || canonical.ends_with(".out_proj");
    }
    if (attends && !has_out) return true;
  }
  return false;
}

/// diffusers takes a component's most common alpha for its attention layers; a layer without one counts as
/// its rank.
bool uneven_alpha(const AdapterSurvey& survey) {
  std::map<std::string, std::set<std::optional<double>>> alphas;
  for (const auto& [canonical, origin] : survey.origins)
    if (attention(canonical)) alphas[canonical.substr(0, canonical.find('.'))].insert(origin.alpha_in_file);
  return std::any_of(alphas.begin(), alphas.end(), [](const auto& entry) { return entry.second.size() > 1; });
}

bool part_of_clip_g_attention(const AdapterSurvey& survey) {
  std::map<std::string, int> leaves;  // of "text_encoder_2.….self_attn"
  for (const auto& [canonical, origin] : survey.origins) {
    const size_t at = canonical.find(".self_attn.");
    if (canonical.starts_with("text_encoder_2.") && at != std::string::npos)
      ++leaves[canonical.substr(0, at)];
  }
  return std::any_of(leaves.begin(), leaves.end(), [](const auto& entry) { return entry.second < 4; });
}

void add_families(FileFacts& facts, const AdapterSurvey& survey) {
  for (const auto& [canonical, origin] : survey.origins) {
    facts.kohya_sgm |= origin.family == "kohya-sgm" || origin.family == "kohya";
    facts.kohya_diffusers |= origin.family == "kohya-diffusers";
    facts.diffusers_modern |= origin.family == "diffusers-peft";
    facts.diffusers_middle |= origin.family == "diffusers-linear-layer";
    facts.diffusers_oldest |= origin.family == "diffusers-processor";
    facts.peft |= origin.family == "peft";
    facts.comfy |= origin.family == "comfy";
    facts.loha_or_lokr |= origin.kind == std::string_view("LoHa") || origin.kind == std::string_view("LoKr");
    facts.full |= origin.kind == std::string_view("full difference");
    facts.attention_layers |= attention(canonical);
  }
  // Layers whose name is the same in both spellings ("kohya") make no mixture.
  const bool only_shared = std::none_of(survey.origins.begin(), survey.origins.end(),
                                        [](const auto& entry) { return entry.second.family == "kohya-sgm"; });
  if (facts.kohya_diffusers && only_shared) facts.kohya_sgm = false;
}

}  // namespace

FileFacts file_facts(const AdapterSurvey& survey, bool sdxl_sizes) {
  FileFacts facts{.sdxl_sizes = sdxl_sizes};
  add_families(facts, survey);
  facts.lycoris_prefix = has_key(survey, "lycoris_");
  facts.upsampler_in_diffusers_names = has_key(survey, "lora_unet_up_blocks_0_upsamplers_0_conv");
  facts.uneven_alpha = uneven_alpha(survey);
  const bool any_alpha = std::any_of(survey.origins.begin(), survey.origins.end(), [](const auto& entry) {
    return entry.second.alpha_in_file.has_value();
  });
  facts.alpha_beside_lora_a = (facts.diffusers_modern || facts.peft) && any_alpha;
  facts.core = has_key(survey, ".lora_mid.weight");
  facts.lokr_core = has_key(survey, ".lokr_t2");
  facts.dora = has_key(survey, ".dora_scale") || has_key(survey, ".lora_magnitude_vector");
  facts.norms_or_biases =
      has_key(survey, ".w_norm") || has_key(survey, ".b_norm") || has_key(survey, ".diff_b");
  for (const Defect& defect : survey.defects) {
    facts.orphans |= defect.kind == DefectKind::kOrphan;
    facts.stray_keys |= defect.kind == DefectKind::kUnknownKey;
    facts.other_family |= defect.kind == DefectKind::kUnsupported;
  }
  facts.embeddings = has_key(survey, "bundle_emb.");
  facts.text_projection = has_key(survey, "text_projection");
  facts.encoder_attention_without_out_proj = encoder_attention_without_out_proj(survey);
  facts.part_of_clip_g_attention = part_of_clip_g_attention(survey);
  const auto any_layer = [&](auto&& wanted) {
    return std::any_of(survey.origins.begin(), survey.origins.end(),
                       [&](const auto& entry) { return wanted(entry.first); });
  };
  facts.no_cross_attention =
      any_layer([](const std::string& name) { return name.starts_with("unet."); }) &&
      !any_layer([](const std::string& name) { return name.ends_with(".attn2.to_k"); });
  const StringMap& metadata = survey.adapter.metadata;
  const auto version = metadata.find("ss_base_model_version");
  facts.hidden_in_webui =
      !metadata.empty() && (version == metadata.end() || !version->second.starts_with("sdxl_"));
  facts.adapter_metadata = metadata.count("lora_adapter_metadata") != 0;
  return facts;
}

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
  return programs;
}

}  // namespace ziplora
