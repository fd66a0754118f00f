// sgm's module names without a prefix: "input_blocks.4.1.proj_in.lora_A.weight", with ".alpha" and
// ".dora_scale" beside them. OneTrainer calls this form "original"; it holds the UNet only. It can only be
// read: ComfyUI's form is the same with a prefix, and more programs know it.
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
