#include "ziplora/train/dreambooth_loss.h"

#include <ATen/TensorOperators.h>

namespace ziplora {

DreamBoothLoss dreambooth_loss(const UNet2DConditionModel& unet, const NoiseSchedule& schedule,
                               const TrainingBatch& batch, const DreamBoothLossOptions& options) {
  const at::ScalarType dtype = options.unet_dtype;
  // Channels last makes convolutions faster, and pixels are a transformer's tokens without a copy.
  const at::Tensor noisy =
      schedule.add_noise(batch.latents, batch.noise, batch.timesteps)
          .to(dtype, /*non_blocking=*/false, /*copy=*/false, at::MemoryFormat::ChannelsLast);
  const at::Tensor target = schedule.target(batch.latents, batch.noise, batch.timesteps);
  const at::Tensor prediction =
      unet.forward(noisy, batch.timesteps,
                   {batch.prompt_embeds.to(dtype), batch.pooled_prompt_embeds.to(dtype), batch.time_ids});

  const at::Tensor row_errors = (prediction.to(at::kFloat) - target).square().flatten(1).mean(1);  // [B]
  at::Tensor instance_errors = row_errors.narrow(0, 0, batch.instance_rows);
  if (options.min_snr_gamma) {
    const at::Tensor timesteps = batch.timesteps.narrow(0, 0, batch.instance_rows);
    instance_errors = instance_errors * schedule.min_snr_weights(timesteps, *options.min_snr_gamma);
  }
  const int64_t class_rows = row_errors.size(0) - batch.instance_rows;
  const at::Tensor instance = instance_errors.mean();
  if (class_rows == 0) return {instance, instance};
  return {instance + row_errors.narrow(0, batch.instance_rows, class_rows).mean() * options.prior_weight,
          instance};
}

}  // namespace ziplora
