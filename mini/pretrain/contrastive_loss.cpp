#include "mini/pretrain/contrastive_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/matmul.h>

namespace ziplora::mini {

at::Tensor unit_rows(const at::Tensor& x) { return x / x.norm(2, {-1}, /*keepdim=*/true).clamp_min(1e-6); }

at::Tensor contrastive_loss(const at::Tensor& images, const at::Tensor& texts,
                            const at::Tensor& logit_scale) {
  const at::Tensor cosines =
      at::matmul(unit_rows(images.to(at::kFloat)), unit_rows(texts.to(at::kFloat)).t());
  const at::Tensor logits = cosines * logit_scale.to(at::kFloat).clamp_max(4.6).exp();
  const at::Tensor own = at::arange(logits.size(0), at::kLong);
  return (at::cross_entropy_loss(logits, own) + at::cross_entropy_loss(logits.t(), own)) / 2;
}

double own_caption_nearest(const at::Tensor& images, const at::Tensor& texts,
                           const std::vector<std::string>& captions) {
  const at::Tensor nearest = at::matmul(unit_rows(images), unit_rows(texts).t()).argmax(1);
  int64_t right = 0;
  for (size_t i = 0; i < captions.size(); ++i)
    right += captions[static_cast<size_t>(nearest[static_cast<int64_t>(i)].item<int64_t>())] == captions[i];
  return static_cast<double>(right) / static_cast<double>(captions.size());
}

}  // namespace ziplora::mini
