// sgm's module names with nothing in front: "input_blocks.4.1.proj_in.lora_A.weight", ".alpha" and
// ".dora_scale" beside them. The form that OneTrainer calls "original"; it holds the UNet only. Read only:
// ComfyUI's form is the same with a prefix, and is known more widely.
#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {
namespace {

std::optional<ParsedKey> parse(const std::string& key, const TargetNames& names) {
  const auto split = split_part(key);
  if (!split) return std::nullopt;
  const TargetName* target = names.find_sgm(split->first);
  if (target == nullptr) return std::nullopt;
  return ParsedKey{target, split->second, "sgm"};
}

}  // namespace

const KeyDialect kSgmDialect{"sgm", "input_blocks.4.1.….lora_A.weight: OneTrainer's \"original\" (read only)",
                             parse, nullptr};

}  // namespace ziplora
