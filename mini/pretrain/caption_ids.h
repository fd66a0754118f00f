#pragma once
/// Captions as token ids, for encoders that are trained or measured on their own.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "ziplora/models/clip_tokenizer.h"

namespace ziplora::mini {

/// Cut after the longest caption: attention is causal, so no padding reaches the pooled end token.
/// @return [B, T] int64
at::Tensor caption_ids(const ClipTokenizer& tokenizer, int64_t eos_token_id,
                       const std::vector<std::string>& captions);

}  // namespace ziplora::mini
