#include "ziplora/lora/foreign_files.h"

#include <utility>

namespace ziplora {

std::optional<std::string> unsupported_kind(const std::string& key) {
  static const std::pair<const char*, const char*> kKinds[] = {
      {".oft_r", "OFT of PEFT (oft_r)"},
      {".oft_diag", "OFT of early LyCORIS (oft_diag)"},
      {".boft_", "BOFT of PEFT"},
      {".ia3_l", "IA3 of PEFT"},
      {".bm.weight", "GLoRA with a core (bm)"},
      {".lambda_layer", "T-LoRA"},
      {".reshape_weight", "reshape_weight patch (ComfyUI)"},
      {".lora_bias", "LoRA with a bias (lora_bias)"},
  };
  for (const auto& [part, kind] : kKinds)
    if (key.find(part) != std::string::npos) return kind;
  return std::nullopt;
}

}  // namespace ziplora
