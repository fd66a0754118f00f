#include "mini/pretrain/caption_ids.h"

#include <ATen/ops/tensor.h>

#include <algorithm>

namespace ziplora::mini {

at::Tensor caption_ids(const ClipTokenizer& tokenizer, int64_t eos_token_id,
                       const std::vector<std::string>& captions) {
  std::vector<int64_t> ids;
  int64_t longest = 0;
  for (const std::string& caption : captions) {
    const TokenizedPrompt prompt = tokenizer.encode(caption);
    const auto end = std::find(prompt.ids.begin(), prompt.ids.end(), eos_token_id);
    longest = std::max<int64_t>(longest, end - prompt.ids.begin() + 1);
    ids.insert(ids.end(), prompt.ids.begin(), prompt.ids.end());
  }
  return at::tensor(ids, at::kLong).view({static_cast<int64_t>(captions.size()), -1}).narrow(1, 0, longest);
}

}  // namespace ziplora::mini
