#include "ziplora/pipeline/latent_preview.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ziplora/base/error.h"
#include "ziplora/diffusion/noise_schedule.h"
#include "ziplora/io/image_resize.h"

namespace ziplora {
namespace {

constexpr int64_t kLargestSide = 128;

/// Red, green and blue of 0…255 for each latent channel, and what is added.
const at::Tensor& sdxl_colours() {
  static const at::Tensor colours =
      at::tensor({60.0F, -60.0F, 25.0F, -70.0F, 60.0F, -5.0F, 15.0F, -50.0F, 60.0F, 10.0F, -5.0F, -35.0F})
          .view({3, 4});
  return colours;
}

at::Tensor sdxl_grey() { return at::tensor({150.0F, 140.0F, 130.0F}).view({3, 1, 1}); }

bool is_sdxl_space(const AutoencoderKLConfig& config) {
  return config.latent_channels == 4 && config.downsampling() == 8 &&
         std::abs(config.scaling_factor - 0.13025) < 1e-6;
}

at::Tensor bounded(const at::Tensor& image) {
  const int64_t height = image.size(1), width = image.size(2), side = std::max(height, width);
  if (side <= kLargestSide) return image;
  return resize_image(image, std::max<int64_t>(1, height * kLargestSide / side),
                      std::max<int64_t>(1, width * kLargestSide / side));
}

}  // namespace

at::Tensor visible_latents(const AutoencoderKL& vae, const at::Tensor& latents) {
  if (!is_sdxl_space(vae.config)) {
    const at::Tensor image = vae.decode(latents / vae.config.scaling_factor)[0];
    return (image.to(at::kFloat) / 2 + 0.5).clamp(0.0, 1.0).cpu();
  }
  const at::Tensor colours = at::einsum("rc,chw->rhw", {sdxl_colours(), latents[0].to(at::kFloat).cpu()});
  return ((colours + sdxl_grey()) / 255).clamp(0.0, 1.0);
}

at::Tensor predicted_clean_latents(const NoiseSchedule& schedule, const at::Tensor& noise_pred,
                                   const at::Tensor& input, double timestep) {
  const int64_t last = schedule.config.num_train_timesteps - 1;
  const auto below = std::clamp(static_cast<int64_t>(std::floor(timestep)), int64_t{0}, last);
  const int64_t above = std::min(below + 1, last);
  const double share = std::clamp(timestep - static_cast<double>(below), 0.0, 1.0);
  const double alpha_bar = (1 - share) * schedule.alpha_bar(below) + share * schedule.alpha_bar(above);
  const double signal = std::sqrt(alpha_bar), noise = std::sqrt(1 - alpha_bar);
  if (schedule.config.prediction_type == PredictionType::kVPrediction)
    return input * signal - noise_pred * noise;
  constexpr double kLeastSignal = 1e-3;  // none is left at the end of a schedule of zero SNR
  return (input - noise_pred * noise) / std::max(signal, kLeastSignal);
}

LatentPreviews::LatentPreviews(const Sdxl& base, int64_t every, size_t steps, PreviewSink sink)
    : base_(base), every_(every), steps_(static_cast<int64_t>(steps)), sink_(std::move(sink)) {
  if (every < 0)
    throw Error(ErrorKind::kUsage, "generate",
                fmt::format("a preview every {} steps, expected 0 or more", every),
                "for example one every 5 steps; 0 is none");
  if (every > 0 && sink_)
    schedule_ = std::make_unique<NoiseSchedule>(NoiseScheduleConfig::from_json(base.scheduler_config));
}

LatentPreviews::~LatentPreviews() = default;

void LatentPreviews::show(int64_t first_row, size_t step, double timestep, const at::Tensor& input,
                          const at::Tensor& noise_pred) const {
  const int64_t done = static_cast<int64_t>(step) + 1;
  if (!schedule_ || done % every_ != 0 || done == steps_) return;
  const at::Tensor clean = predicted_clean_latents(*schedule_, noise_pred, input, timestep);
  for (int64_t row = 0; row < clean.size(0); ++row)
    sink_({first_row + row, done, steps_, bounded(visible_latents(base_.vae, clean.narrow(0, row, 1)))});
}

}  // namespace ziplora
