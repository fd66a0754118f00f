// ComfyUI's native names (comfy/lora.py, model_lora_keys_unet and model_lora_keys_clip: "generic lora
// format"):
//
//     diffusion_model.input_blocks.4.1.proj_in.lora_A.weight         sgm names
//     text_encoders.clip_l.transformer.text_model.….lora_B.weight
//
// with ".alpha" beside them. These are ComfyUI's own weight names, so it looks them up without a table. It
// reads kohya's form as well.
#include "ziplora/base/error.h"
#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/write_universal.h"

namespace ziplora {
namespace {

struct Prefix {
  const char *component, *text;
};
constexpr Prefix kPrefixes[] = {{"unet", "diffusion_model."},
                                {"text_encoder", "text_encoders.clip_l.transformer."},
                                {"text_encoder_2", "text_encoders.clip_g.transformer."}};

std::string module_name(const TargetName& target) {
  for (const Prefix& prefix : kPrefixes)
    if (target.component == prefix.component) return prefix.text + target.sgm_path;
  throw Error(ErrorKind::kInternal, "write adapter", target.canonical + " has no name in ComfyUI");
}

std::optional<ParsedKey> parse(const std::string& key, const TargetNames& names) {
  const auto split = split_part(key);
  if (!split) return std::nullopt;
  std::string module = split->first;
  for (const Prefix& prefix : kPrefixes) {
    if (!strip_prefix(module, prefix.text)) continue;
    const bool in_sgm_names = std::string_view(prefix.component) == "unet";
    return ParsedKey{
        in_sgm_names ? names.find_sgm(module) : names.find(std::string(prefix.component) + "." + module),
        split->second, "comfy"};
  }
  return std::nullopt;
}

void write(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
           at::ScalarType dtype) {
  write_universal(path, adapter, names, dtype, {module_name, ".lora_A.weight", ".lora_B.weight"});
}

}  // namespace

const KeyDialect kComfyDialect{
    "comfy", "diffusion_model.input_blocks.4.1.….lora_A.weight: ComfyUI's own weight names", parse, write,
    /*takes_vectors=*/true};

}  // namespace ziplora
