#include "mini/pretrain/autoencoder_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randperm.h>

#include "mini/pretrain/autoencoder_loss.h"
#include "mini/pretrain/world_batches.h"
#include "ziplora/base/rng.h"
#include "ziplora/io/image_file.h"

namespace ziplora::mini {
namespace {

/// Permutes and scales the colour channels of every second batch.
at::Tensor vary_colours(const at::Tensor& images, int64_t iteration, at::Generator generator) {
  if (iteration % 2 == 0) return images;
  const at::Tensor order = at::randperm(3, generator, at::kLong);
  const at::Tensor gain = at::empty({images.size(0), 3, 1, 1}).uniform_(0.6, 1.0, generator);
  return images.index_select(1, order) * gain;
}

/// A window of half the side, the same for the whole batch: a quarter of the work, and what it teaches is
/// local.
at::Tensor random_window(const at::Tensor& images, at::Generator generator) {
  const int64_t side = images.size(2) / 2;
  const at::Tensor place = at::randint(side + 1, {2}, generator, at::kLong);
  return images.narrow(2, place[0].item<int64_t>(), side).narrow(3, place[1].item<int64_t>(), side);
}

}  // namespace

void train_autoencoder(AutoencoderKL& vae, const World& world, const AutoencoderTrainingOptions& options,
                       ProgressSink& progress, const CancelToken& cancel) {
  WorldBatches batches(world, options.batch_size, options.seed);
  auto step = [&](int64_t iteration) {
    at::Generator generator =
        make_generator(derive_seed(options.seed, "autoencoder step " + std::to_string(iteration)));
    at::Tensor images = vary_colours(batches.at(iteration).images, iteration, generator) * 2 - 1;
    if (iteration <
        static_cast<int64_t>(static_cast<double>(options.plan.iterations) * options.window_fraction))
      images = random_window(images, generator);
    const LatentDistribution working = vae.encode(as_input(images, options.plan));
    const LatentDistribution latents{working.mean.to(at::kFloat), working.logvar.to(at::kFloat)};
    const at::Tensor decoded = vae.decode(as_input(latents.sample(generator), options.plan)).to(at::kFloat);
    const AutoencoderLoss loss = autoencoder_loss(decoded, images, latents, options.kl_weight);
    // The range is 2 wide, so PSNR = 10 log10(4 / mse).
    return TrainingStep{
        loss.total,
        {{"psnr_db", 10 * std::log10(4 / loss.mse.item<double>())}, {"kl", loss.kl.item<double>()}}};
  };
  auto sample = [&](int64_t iteration) {
    const at::NoGradGuard no_grad;
    const at::Tensor images = batches.at(0).images.slice(0, 0, 8);
    const at::Tensor decoded =
        vae.decode(vae.encode(as_input(images * 2 - 1, options.plan)).mean).to(at::kFloat) / 2 + 0.5;
    const at::Tensor rows = at::cat({images, decoded}, 2);  // original above, reconstruction below
    std::vector<at::Tensor> columns = rows.unbind(0);
    write_png(options.plan.run_folder / "samples" / ("autoencoder-" + std::to_string(iteration) + ".png"),
              at::cat(columns, 2));
  };
  train_stage(options.plan, {{"vae", &vae}}, step, sample, progress, cancel);
}

double measure_scaling_factor(const AutoencoderKL& vae, const World& world, uint64_t seed) {
  const at::NoGradGuard no_grad;
  WorldBatches batches(world, 8, derive_seed(seed, "scaling factor"));
  std::vector<at::Tensor> means;
  for (int64_t i = 0; i < 64; ++i) means.push_back(vae.encode(batches.at(i).images * 2 - 1).mean);
  return 1.0 / at::cat(means).std().item<double>();
}

}  // namespace ziplora::mini
