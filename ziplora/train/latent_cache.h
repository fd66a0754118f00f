#pragma once
/// Images as latents, encoded once before training. The cache keeps the posterior (mean and standard
/// deviation) and not one draw of it, so that every iteration still draws its own latents, as DreamBooth
/// without a cache does.
///
/// Random crops and flips are cached as several *views* of an image, cut once; an iteration takes one of
/// them. All views of an image have one shape. Images of one shape form a bucket and can be rows of one
/// batch.
///
///     LatentCache cache(base.vae, images, at::kCPU, false, progress, cancel);
///     LatentCache::Rows rows = cache.rows({3, 0}, {0, 1});    // view 0 of image 3, view 1 of image 0

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/data/augmentation.h"
#include "ziplora/models/autoencoder_kl.h"

namespace ziplora {

struct TrainingImage {
  std::string name;                 ///< for messages
  std::vector<CroppedImage> views;  ///< all of one size
};

class LatentCache {
 public:
  /// Asks for image i, encodes it, and lets its pixels go before it asks for the next one.
  using Source = std::function<TrainingImage(size_t i)>;

  /// @param images  each with at least one view; H and W multiples of vae.config.downsampling()
  /// @param tiling  encode in tiles of the autoencoder's own size (AutoencoderKL::encode_tiled)
  /// @throws Error(kNonFinite) naming the image whose latents are not finite (a half-precision autoencoder)
  LatentCache(const AutoencoderKL& vae, const std::vector<TrainingImage>& images, at::Device device,
              bool tiling, ProgressSink& progress, const CancelToken& cancel);
  LatentCache(const AutoencoderKL& vae, size_t count, const Source& image, at::Device device, bool tiling,
              ProgressSink& progress, const CancelToken& cancel);

  /// Makes image i of this cache what image `images[i]` was, so that one can be there several times. The latents
  /// stay where they are.
  void rearrange(const std::vector<int64_t>& images);

  const std::vector<int64_t>& bucket_of_image() const { return bucket_of_image_; }
  int64_t num_views(int64_t image) const { return num_views_[static_cast<size_t>(image)]; }
  const std::vector<ImageSize>& bucket_sizes() const { return bucket_sizes_; }

  struct Rows {
    at::Tensor mean, standard_deviation;  ///< [B, C, h, w] float32, times scaling_factor
    at::Tensor time_ids;                  ///< [B, 6] float32
  };
  /// @param images, views  one of each per row; images of one bucket
  Rows rows(const std::vector<int64_t>& images, const std::vector<int64_t>& views) const;

 private:
  std::vector<int64_t> bucket_of_image_, first_row_, num_views_;  // rows count within the bucket
  std::vector<ImageSize> bucket_sizes_;
  std::vector<Rows> buckets_;
};

}  // namespace ziplora
