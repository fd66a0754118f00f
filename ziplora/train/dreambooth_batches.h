#pragma once
/// The batches of a DreamBooth run, built by index from cached latents and prompt embeddings. Every draw
/// (view, timestep, posterior, noise) belongs to a numbered example, and its seed comes from that number: the
/// n-th batch is a pure function of n, whatever ran before it and however examples are grouped into batches.
///
///     DreamBoothBatches batches(cache, class_caches, prompts, options);
///     TrainingBatch batch = batches.batch(0);
///
/// Reference behaviour: diffusers' train_dreambooth_lora_sdxl.py (posterior sampled each step, uniform
/// timesteps, noise offset, instance rows first, class rows second).

#include <vector>

#include "ziplora/models/sdxl.h"
#include "ziplora/train/data_order.h"
#include "ziplora/train/latent_cache.h"
#include "ziplora/train/training_batch.h"

namespace ziplora {

struct DreamBoothBatchOptions {
  int64_t batch_size = 1;     ///< instance rows; as many class rows come on top
  double noise_offset = 0.0;  ///< standard deviation of a constant added to each channel's noise
  int64_t num_train_timesteps = 1000;
  uint64_t seed = 0;
};

class DreamBoothBatches {
 public:
  /// @param instance         the images to learn; outlives this
  /// @param class_caches     empty, or the class images cut to each bucket of `instance`, in its order;
  ///                         outlives this
  /// @param prompts          rows: the captions, each used by some image, then the class prompts; class image
  ///                         i shows number i mod their count
  /// @param prompt_of_image  row of `prompts` for each image of `instance`
  DreamBoothBatches(const LatentCache& instance, const std::vector<LatentCache>& class_caches,
                    PromptEmbeddings prompts, std::vector<int64_t> prompt_of_image,
                    DreamBoothBatchOptions options);

  TrainingBatch batch(int64_t n) const;

 private:
  TrainingBatch rows(const LatentCache& cache, const DataOrder::Batch& order, const char* kind,
                     const std::vector<int64_t>& prompts) const;

  const LatentCache& instance_;
  const std::vector<LatentCache>& class_caches_;
  PromptEmbeddings prompts_;
  std::vector<int64_t> prompt_of_image_;
  DreamBoothBatchOptions options_;
  DataOrder instance_order_;
  std::vector<DataOrder> class_order_;  // one, or none
};

}  // namespace ziplora
