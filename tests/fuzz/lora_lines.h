#pragma once
/// LoRA files as text that a person can read and in which a fuzzer's changes have an effect. Each line is a
/// tensor: its key, dtype, sizes and, optionally, the byte that fills it (hexadecimal; ff makes NaNs),
/// separated by tabs:
///
///     lora_unet_mid_block_attentions_0_proj_in.lora_down.weight<TAB>F16<TAB>4x24
///
/// Offsets and lengths are computed, so that the lines get past the container's checks and reach the readers
/// behind them.

#include <string>
#include <string_view>
#include <vector>

namespace ziplora {

struct LoraLines {
  std::vector<std::string> keys;
  std::string file;  ///< a sound safetensors file
};

/// Takes at most 64 tensors and a mebibyte of data, and skips lines that are not a tensor.
LoraLines parse_lora_lines(std::string_view text);

}  // namespace ziplora
