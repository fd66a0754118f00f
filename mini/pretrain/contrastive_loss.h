#pragma once
/// Makes an image and its caption agree: symmetric cross entropy over a batch's cosine similarities (CLIP,
/// arXiv 2103.00020, figure 3).

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace ziplora::mini {

/// ln(1 / 0.07), where CLIP begins.
inline constexpr double kFirstLogitScale = 2.66;

/// Images against texts and texts against images; row i of one belongs to row i of the other.
/// @param images, texts  [B, D] of any dtype, rows of any length
/// @param logit_scale    [1], the logarithm of the factor on cosines; capped at 4.6, a factor of a hundred
/// @return               scalar float32
at::Tensor contrastive_loss(const at::Tensor& images, const at::Tensor& texts, const at::Tensor& logit_scale);

/// The share of images whose own caption is the nearest; if two have the same caption, either is right.
/// @param images, texts  [N, D]; row i of both and captions[i] belong together
double own_caption_nearest(const at::Tensor& images, const at::Tensor& texts,
                           const std::vector<std::string>& captions);

/// Rows of length 1.
at::Tensor unit_rows(const at::Tensor& x);

}  // namespace ziplora::mini
