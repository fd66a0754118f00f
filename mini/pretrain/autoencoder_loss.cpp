#include "mini/pretrain/autoencoder_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/mse_loss.h>

namespace ziplora::mini {
namespace {

/// Mean absolute error of the differences between neighbouring pixels, down and across.
at::Tensor gradient_error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor difference = a - b;
  return difference.diff(1, 2).abs().mean() + difference.diff(1, 3).abs().mean();
}

}  // namespace

AutoencoderLoss autoencoder_loss(const at::Tensor& decoded, const at::Tensor& images,
                                 const LatentDistribution& latents, double kl_weight) {
  const at::Tensor mse = at::mse_loss(decoded, images);
  const at::Tensor kl = 0.5 * (latents.mean.pow(2) + latents.logvar.exp() - 1 - latents.logvar).mean();
  return {at::l1_loss(decoded, images) + 2 * mse + 0.5 * gradient_error(decoded, images) + kl_weight * kl,
          mse, kl};
}

}  // namespace ziplora::mini
