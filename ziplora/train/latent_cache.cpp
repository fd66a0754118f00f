#include "ziplora/train/latent_cache.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>

#include "ziplora/base/error.h"
#include "ziplora/models/time_ids.h"

namespace ziplora {
namespace {

LatentCache::Rows encode(const AutoencoderKL& vae, const TrainingImage& image, at::Device device,
                         bool tiling) {
  std::vector<at::Tensor> means, standard_deviations, ids;
  for (const CroppedImage& view : image.views) {
    const at::Tensor pixels = view.pixels.unsqueeze(0).to(device) * 2 - 1;
    const LatentDistribution posterior =
        tiling ? vae.encode_tiled(pixels, vae.default_tile_latent_size()) : vae.encode(pixels);
    means.push_back(posterior.mean.to(at::kFloat) * vae.config.scaling_factor);
    standard_deviations.push_back((posterior.logvar.to(at::kFloat) * 0.5).exp() * vae.config.scaling_factor);
    ids.push_back(time_ids({view.original.height, view.original.width, view.crop_top, view.crop_left,
                            view.pixels.size(1), view.pixels.size(2)}));
  }
  LatentCache::Rows rows{at::cat(means), at::cat(standard_deviations), at::cat(ids).to(device)};
  if (!at::isfinite(rows.mean).all().item<bool>() ||
      !at::isfinite(rows.standard_deviation).all().item<bool>())
    throw Error(ErrorKind::kNonFinite, "train: " + image.name, "its latents hold NaN or infinity",
                "the autoencoder overflows in half precision: run it in float32 or bfloat16 (--dtype)");
  return rows;
}

}  // namespace

LatentCache::LatentCache(const AutoencoderKL& vae, const std::vector<TrainingImage>& images,
                         at::Device device, bool tiling, ProgressSink& progress, const CancelToken& cancel)
    : LatentCache(
          vae, images.size(), [&](size_t i) { return images[i]; }, device, tiling, progress, cancel) {}

LatentCache::LatentCache(const AutoencoderKL& vae, size_t count, const Source& source, at::Device device,
                         bool tiling, ProgressSink& progress, const CancelToken& cancel) {
  at::NoGradGuard no_grad;
  std::vector<std::vector<Rows>> parts;  // by bucket
  std::vector<int64_t> rows_in_bucket;
  Stage stage(progress, "encode", static_cast<int64_t>(count));
  for (size_t i = 0; i < count; ++i) {
    cancel.throw_if_cancelled("train: encode");
    const TrainingImage image = source(i);
    const at::Tensor& pixels = image.views.front().pixels;
    const ImageSize size{pixels.size(1), pixels.size(2)};
    auto found = std::find(bucket_sizes_.begin(), bucket_sizes_.end(), size);
    const auto bucket = static_cast<size_t>(found - bucket_sizes_.begin());
    if (found == bucket_sizes_.end()) {
      bucket_sizes_.push_back(size);
      parts.emplace_back();
      rows_in_bucket.push_back(0);
    }
    bucket_of_image_.push_back(static_cast<int64_t>(bucket));
    first_row_.push_back(rows_in_bucket[bucket]);
    num_views_.push_back(static_cast<int64_t>(image.views.size()));
    rows_in_bucket[bucket] += num_views_.back();
    parts[bucket].push_back(encode(vae, image, device, tiling));
    stage.step();
  }
  for (const std::vector<Rows>& bucket : parts) {
    std::vector<at::Tensor> means, standard_deviations, time_ids;
    for (const Rows& rows : bucket) {
      means.push_back(rows.mean);
      standard_deviations.push_back(rows.standard_deviation);
      time_ids.push_back(rows.time_ids);
    }
    buckets_.push_back({at::cat(means), at::cat(standard_deviations), at::cat(time_ids)});
  }
}

void LatentCache::rearrange(const std::vector<int64_t>& images) {
  const auto rearranged = [&](const std::vector<int64_t>& of_image) {
    std::vector<int64_t> result;
    for (const int64_t image : images) result.push_back(of_image.at(static_cast<size_t>(image)));
    return result;
  };
  bucket_of_image_ = rearranged(bucket_of_image_);
  first_row_ = rearranged(first_row_);
  num_views_ = rearranged(num_views_);
}

LatentCache::Rows LatentCache::rows(const std::vector<int64_t>& images,
                                    const std::vector<int64_t>& views) const {
  const auto bucket = static_cast<size_t>(bucket_of_image_.at(static_cast<size_t>(images.front())));
  std::vector<int64_t> indices;
  for (size_t row = 0; row < images.size(); ++row)
    indices.push_back(first_row_[static_cast<size_t>(images[row])] + views[row]);
  const Rows& all = buckets_[bucket];
  const at::Tensor index = at::tensor(indices, at::kLong).to(all.mean.device());
  return {all.mean.index_select(0, index), all.standard_deviation.index_select(0, index),
          all.time_ids.index_select(0, index)};
}

}  // namespace ziplora
