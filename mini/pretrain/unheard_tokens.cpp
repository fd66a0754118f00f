#include "mini/pretrain/unheard_tokens.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include <cmath>

#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

constexpr const char* kTokenEmbedding = "text_model.embeddings.token_embedding.weight";

/// [rows, D]: rows of weights ~ N(0, 1/n) on n centred samples have the samples' covariance.
at::Tensor drawn_like(const at::Tensor& samples, const std::vector<int64_t>& ids) {
  const int64_t count = samples.size(0);
  at::Tensor weights = at::empty({static_cast<int64_t>(ids.size()), count}, samples.options());
  for (size_t i = 0; i < ids.size(); ++i)
    weights[static_cast<int64_t>(i)].normal_(
        0, 1 / std::sqrt(static_cast<double>(count)),
        make_generator(derive_seed(0, "unheard token " + std::to_string(ids[i]))));
  const at::Tensor mean = samples.mean(0);
  return at::matmul(weights, samples - mean) + mean;
}

}  // namespace

std::set<int64_t> heard_tokens(const ClipTokenizer& tokenizer, const std::vector<std::string>& captions) {
  std::set<int64_t> heard;
  for (const std::string& caption : captions) {
    const std::vector<int64_t> ids = tokenizer.tokenize(caption);
    heard.insert(ids.begin(), ids.end());
  }
  return heard;
}

void place_unheard_tokens(ClipTextModel& text_encoder, const std::set<int64_t>& heard) {
  const at::NoGradGuard no_grad;
  std::vector<int64_t> unheard;
  for (int64_t id = 0; id < text_encoder.config.vocab_size; ++id)
    if (!heard.contains(id) && id != text_encoder.config.bos_token_id &&
        id != text_encoder.config.eos_token_id)
      unheard.push_back(id);
  const std::vector<int64_t> heard_ids(heard.begin(), heard.end());
  text_encoder.for_each_parameter([&](const std::string& path, Module::Parameter& parameter) {
    if (path != kTokenEmbedding) return;
    // Rounded as export_base rounds them: a base that goes on from an exported one has the same rows.
    const at::Tensor samples =
        parameter.tensor->index_select(0, at::tensor(heard_ids)).to(at::kHalf).to(at::kFloat);
    parameter.tensor->index_copy_(0, at::tensor(unheard), drawn_like(samples, unheard));
  });
}

}  // namespace ziplora::mini
