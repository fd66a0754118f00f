#include "mini/report/through_autoencoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <vector>

namespace ziplora::mini {

at::Tensor through_autoencoder(const AutoencoderKL& vae, const at::Tensor& images) {
  constexpr int64_t kImagesAtOnce = 8;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> decoded;
  for (const at::Tensor& batch : images.split(kImagesAtOnce))
    decoded.push_back((vae.decode(vae.encode(batch * 2 - 1).mean) / 2 + 0.5).clamp(0, 1));
  return at::cat(decoded);
}

}  // namespace ziplora::mini
