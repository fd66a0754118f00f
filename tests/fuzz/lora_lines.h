#pragma once
/// LoRA files as text that a fuzzer can change with effect and a person can read: one tensor a line, its key,
/// dtype, sizes and, optionally, the byte that fills it (hexadecimal; ff makes NaNs), separated by tabs.
///
///     lora_unet_mid_block_attentions_0_proj_in.lora_down.weight<TAB>F16<TAB>4x24
///
/// Offsets and lengths are computed, so what the lines reach is the readers behind the container's checks.

#include <string>
#include <string_view>
#include <vector>

namespace ziplora {

struct LoraLines {
  std::vector<std::string> keys;
  std::string file;  ///< a sound safetensors file
};

/// At most 64 tensors and a mebibyte of data; lines that are no tensor are left out.
LoraLines parse_lora_lines(std::string_view text);

}  // namespace ziplora
