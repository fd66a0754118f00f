#pragma once
/// DreamBooth's objective on one batch (arXiv 2208.12242, eq. 2, in the form of diffusers'
/// train_dreambooth_lora_sdxl.py): the mean squared error of the prediction on the instance rows,
/// min-SNR-weighted on request, plus prior_weight times the plain mean squared error on the class rows.
///
///     dreambooth_loss(base.unet, schedule, batch, {.min_snr_gamma = 5}).total.backward();

#include <ATen/core/Tensor.h>

#include <optional>

#include "ziplora/diffusion/noise_schedule.h"
#include "ziplora/models/unet_2d_condition.h"
#include "ziplora/train/training_batch.h"

namespace ziplora {

struct DreamBoothLossOptions {
  double prior_weight = 1.0;
  std::optional<double> min_snr_gamma;     ///< arXiv 2303.09556; for the instance rows only, as in diffusers
  at::ScalarType unet_dtype = at::kFloat;  ///< the UNet's inputs are cast to it, the loss is float32
};

struct DreamBoothLoss {
  at::Tensor total;     ///< [] float32 with gradient
  at::Tensor instance;  ///< [] float32, the instance rows' part of it: how well the images are learned
};

DreamBoothLoss dreambooth_loss(const UNet2DConditionModel& unet, const NoiseSchedule& schedule,
                               const TrainingBatch& batch, const DreamBoothLossOptions& options);

}  // namespace ziplora
