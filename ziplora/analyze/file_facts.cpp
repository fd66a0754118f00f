#include "ziplora/analyze/file_facts.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "ziplora/base/parse_number.h"

namespace ziplora {
namespace {

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

bool encoder_without_attention(const AdapterSurvey& survey) {
  std::map<std::string, bool> attends;  // by encoder
  for (const auto& [canonical, origin] : survey.origins)
    if (!canonical.starts_with("unet.")) {
      bool& any = attends[canonical.substr(0, canonical.find('.'))];
      any = any || attention(canonical);
    }
  return std::ranges::any_of(attends, [](const auto& entry) { return !entry.second; });
}

/// diffusers uses a component's most common alpha for all its attention layers. A layer without an alpha
/// counts as one whose alpha is its rank.
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

constexpr std::string_view kTextProjection = "text_encoder_2.text_projection";

/// diffusers expects the rank that most of the encoder's other layers have.
bool text_projection_of_another_rank(const AdapterSurvey& survey) {
  std::optional<int64_t> own;
  std::map<int64_t, int> ranks;  // of the encoder's other layers
  for (const auto& [canonical, origin] : survey.origins) {
    if (canonical == kTextProjection)
      own = origin.rank;
    else if (canonical.starts_with("text_encoder_2."))
      ++ranks[origin.rank];
  }
  const auto most = std::ranges::max_element(ranks, {}, [](const auto& entry) { return entry.second; });
  return own && most != ranks.end() && most->first != *own;
}

/// invokeai/backend/model_manager: lora_token_vector_length and _state_dict_looks_like_sdxl_unet_lora.
bool shows_sdxl_to_invokeai(const AdapterSurvey& survey) {
  bool first_encoder = false, second_encoder = false;
  for (const auto& [canonical, origin] : survey.origins) {
    if (canonical.ends_with(".attn2.to_k") || canonical.ends_with(".attn2.to_v") ||
        canonical.ends_with(".time_emb_proj"))
      return true;
    const size_t block = canonical.find(".transformer_blocks.");
    if (block != std::string::npos) {
      const size_t begin = block + 20, end = canonical.find('.', begin);
      if (parse_number<int>(canonical.substr(begin, end - begin)).value_or(0) >= 2) return true;
    }
    if (canonical.find(".self_attn.") == std::string::npos) continue;
    first_encoder = first_encoder || canonical.starts_with("text_encoder.");
    second_encoder = second_encoder || canonical.starts_with("text_encoder_2.");
  }
  return first_encoder && second_encoder;
}

/// Magnitudes of PEFT and of newer LyCORIS are over output rows, [out, 1]; older ones over input columns, [1,
/// in].
bool dora_on_output(const AdapterSurvey& survey) {
  return std::any_of(survey.tensors.begin(), survey.tensors.end(), [](const auto& entry) {
    return entry.first.ends_with(".dora_scale") && !entry.second.shape.empty() && entry.second.shape[0] > 1;
  });
}

/// Forge knows these layers only in diffusers' oldest names: ….attn1.processor.to_q_lora.up.weight.
bool is_unknown_to_forge(const std::string& key) {
  const bool attends =
      key.find(".attn1.to_") != std::string::npos || key.find(".attn2.to_") != std::string::npos;
  return key.starts_with("text_encoders.") || key.starts_with("text_encoder_2.text_projection.") ||
         (key.starts_with("unet.") && attends);
}

/// The kinds with which the programs were run, or their code was read.
constexpr std::string_view kTriedKinds[] = {"LoRA", "DoRA", "LoHa", "LoKr", "full difference",
                                            "OFT",  "BOFT", "IA3",  "GLoRA"};

void add_dialects_and_kinds(FileFacts& facts, const AdapterSurvey& survey) {
  for (const auto& [canonical, origin] : survey.origins) {
    facts.kohya_sgm |= origin.dialect == "kohya-sgm" || origin.dialect == "kohya";
    facts.kohya_diffusers |= origin.dialect == "kohya-diffusers";
    facts.diffusers_modern |= origin.dialect == "diffusers-peft";
    facts.diffusers_middle |= origin.dialect == "diffusers-linear-layer";
    facts.diffusers_oldest |= origin.dialect == "diffusers-processor";
    facts.peft |= origin.dialect == "peft";
    facts.comfy |= origin.dialect == "comfy";
    facts.bare_sgm |= origin.dialect == "sgm";
    facts.omi |= origin.dialect == "omi";
    facts.loha_or_lokr |= origin.kind == std::string_view("LoHa") || origin.kind == std::string_view("LoKr");
    facts.full |= origin.kind == std::string_view("full difference");
    facts.plain_lora |= origin.kind == std::string_view("LoRA") || origin.kind == std::string_view("DoRA");
    facts.other_spellings |= origin.dialect != "kohya-diffusers";
    facts.attention_layers |= attention(canonical);
    facts.untried_kind |=
        std::ranges::find(kTriedKinds, std::string_view(origin.kind)) == std::end(kTriedKinds);
  }
  if (survey.origins.empty())  // norms alone
    facts.kohya_sgm = has_key(survey, "lora_unet_") || has_key(survey, "lora_te");
  // Layers that both spellings name alike ("kohya") do not make a mixture.
  const bool only_shared = std::none_of(survey.origins.begin(), survey.origins.end(), [](const auto& entry) {
    return entry.second.dialect == "kohya-sgm";
  });
  if (facts.kohya_diffusers && only_shared) facts.kohya_sgm = false;
}

}  // namespace

FileFacts file_facts(const AdapterSurvey& survey, bool sdxl_sizes) {
  FileFacts facts{.sdxl_sizes = sdxl_sizes};
  add_dialects_and_kinds(facts, survey);
  facts.wrapped = survey.wrapped_keys > 0;
  facts.lycoris_prefix = has_key(survey, "lycoris_");
  facts.upsampler_in_diffusers_names = has_key(survey, "lora_unet_up_blocks_0_upsamplers_0_conv");
  facts.add_embedding_in_diffusers_names = has_key(survey, "lora_unet_add_embedding_");
  facts.uneven_alpha = uneven_alpha(survey);
  const bool any_alpha = std::any_of(survey.origins.begin(), survey.origins.end(), [](const auto& entry) {
    return entry.second.alpha_in_file.has_value();
  });
  facts.alpha_beside_lora_a = (facts.diffusers_modern || facts.peft) && any_alpha;
  facts.core = has_key(survey, ".lora_mid.weight");
  facts.lokr_core = has_key(survey, ".lokr_t2");
  facts.oft_or_glora = has_key(survey, ".oft_") || has_key(survey, ".a1.weight");
  facts.ia3 = has_key(survey, ".on_input");
  facts.dora_on_output = dora_on_output(survey);
  facts.dora = has_key(survey, ".dora_scale") || has_key(survey, ".lora_magnitude_vector");
  facts.norms_or_biases =
      has_key(survey, ".w_norm") || has_key(survey, ".b_norm") || has_key(survey, ".diff_b");
  for (const Defect& defect : survey.defects) {
    facts.orphans |= defect.kind == DefectKind::kOrphan;
    facts.stray_keys |= defect.kind == DefectKind::kUnknownKey;
    if (defect.kind == DefectKind::kUnknownKey)
      facts.keys_beside_the_lora += static_cast<int64_t>(defect.keys.size());
    facts.untried_kind |= defect.kind == DefectKind::kUnsupported;
  }
  for (const auto& [key, info] : survey.tensors) {
    facts.keys_unknown_to_forge += is_unknown_to_forge(key);
    facts.keys_beside_the_lora += key.starts_with("bundle_emb.");
  }
  facts.embeddings = has_key(survey, "bundle_emb.");
  facts.encoder_attention_without_out_proj = encoder_attention_without_out_proj(survey);
  facts.encoder_without_attention = encoder_without_attention(survey);
  facts.part_of_clip_g_attention = part_of_clip_g_attention(survey);
  const auto any_layer = [&](auto&& wanted) {
    return std::any_of(survey.origins.begin(), survey.origins.end(),
                       [&](const auto& entry) { return wanted(entry.first); });
  };
  facts.text_projection = has_key(survey, "text_projection");
  facts.text_projection_alone = facts.text_projection && !any_layer([](const std::string& name) {
                                  return name.starts_with("text_encoder_2.") && name != kTextProjection;
                                });
  facts.text_projection_in_diffusers_names = has_key(survey, "text_encoder_2.text_projection");
  facts.text_projection_of_another_rank = text_projection_of_another_rank(survey);
  facts.shows_sdxl_to_invokeai = shows_sdxl_to_invokeai(survey);
  facts.outside_blocks = any_layer([](const std::string& name) {
    return name.starts_with("unet.") && name.find("_block") == std::string::npos;
  });
  const StringMap& metadata = survey.adapter.metadata;
  const auto version = metadata.find("ss_base_model_version");
  facts.hidden_in_webui =
      !metadata.empty() && (version == metadata.end() || !version->second.starts_with("sdxl_"));
  facts.adapter_metadata = metadata.count("lora_adapter_metadata") != 0;
  return facts;
}

}  // namespace ziplora
