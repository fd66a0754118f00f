#include "ziplora/diffusion/guidance.h"

#include <ATen/TensorOperators.h>

namespace ziplora {

at::Tensor guide(const at::Tensor& noise_pred, double guidance_scale, double guidance_rescale) {
  const int64_t rows = noise_pred.size(0) / 2;
  const at::Tensor uncond = noise_pred.narrow(0, 0, rows), cond = noise_pred.narrow(0, rows, rows);
  const at::Tensor guided = uncond + (cond - uncond) * guidance_scale;
  if (guidance_rescale <= 0) return guided;
  const auto deviation = [](const at::Tensor& rows_of) {
    return rows_of.std(at::IntArrayRef{1, 2, 3}, /*unbiased=*/true, /*keepdim=*/true);
  };
  const at::Tensor rescaled = guided * (deviation(cond) / deviation(guided));
  return rescaled * guidance_rescale + guided * (1 - guidance_rescale);
}

}  // namespace ziplora
