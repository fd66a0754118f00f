#include "ziplora/train/dreambooth_batches.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>

#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

TrainingBatch concatenate(const TrainingBatch& instance, const TrainingBatch& of_class) {
  return {at::cat({instance.latents, of_class.latents}),
          at::cat({instance.noise, of_class.noise}),
          at::cat({instance.timesteps, of_class.timesteps}),
          at::cat({instance.prompt_embeds, of_class.prompt_embeds}),
          at::cat({instance.pooled_prompt_embeds, of_class.pooled_prompt_embeds}),
          at::cat({instance.time_ids, of_class.time_ids}),
          instance.instance_rows};
}

std::vector<DataOrder> order_of_class(const std::vector<LatentCache>& caches, int64_t batch_size,
                                      uint64_t seed) {
  if (caches.empty()) return {};
  return {DataOrder(caches.front().bucket_of_image(), batch_size, derive_seed(seed, "class"))};
}

}  // namespace

DreamBoothBatches::DreamBoothBatches(const LatentCache& instance,
                                     const std::vector<LatentCache>& class_caches, PromptEmbeddings prompts,
                                     std::vector<int64_t> prompt_of_image, DreamBoothBatchOptions options)
    : instance_(instance),
      class_caches_(class_caches),
      prompts_(std::move(prompts)),
      prompt_of_image_(std::move(prompt_of_image)),
      options_(options),
      instance_order_(instance.bucket_of_image(), options.batch_size, options.seed),
      class_order_(order_of_class(class_caches, options.batch_size, options.seed)) {}

TrainingBatch DreamBoothBatches::batch(int64_t n) const {
  const DataOrder::Batch order = instance_order_.batch(n);
  std::vector<int64_t> prompts;
  for (int64_t image : order.items) prompts.push_back(prompt_of_image_[static_cast<size_t>(image)]);
  TrainingBatch instance = rows(instance_, order, "instance", prompts);
  instance.instance_rows = options_.batch_size;
  if (class_order_.empty()) return instance;
  const auto bucket =
      static_cast<size_t>(instance_.bucket_of_image()[static_cast<size_t>(order.items.front())]);
  const DataOrder::Batch class_order = class_order_.front().batch(n);
  const int64_t captions = *std::ranges::max_element(prompt_of_image_) + 1;
  const int64_t class_prompts = prompts_.prompt_embeds.size(0) - captions;
  std::vector<int64_t> prompts_of_class;
  for (int64_t image : class_order.items) prompts_of_class.push_back(captions + image % class_prompts);
  return concatenate(instance, rows(class_caches_[bucket], class_order, "class", prompts_of_class));
}

TrainingBatch DreamBoothBatches::rows(const LatentCache& cache, const DataOrder::Batch& order,
                                      const char* kind, const std::vector<int64_t>& prompts) const {
  std::vector<int64_t> views, timesteps;
  std::vector<uint64_t> seeds;
  for (size_t row = 0; row < order.items.size(); ++row) {
    seeds.push_back(
        derive_seed(options_.seed, fmt::format("{} example {}", kind, order.first_example + row)));
    views.push_back(static_cast<int64_t>(derive_seed(seeds.back(), "view") %
                                         static_cast<uint64_t>(cache.num_views(order.items[row]))));
    timesteps.push_back(static_cast<int64_t>(derive_seed(seeds.back(), "timestep") %
                                             static_cast<uint64_t>(options_.num_train_timesteps)));
  }
  const LatentCache::Rows cached = cache.rows(order.items, views);

  const std::vector<int64_t> shape = cached.mean.sizes().slice(1).vec();  // [C, h, w]
  std::vector<at::Tensor> posterior_noise, noise;
  for (uint64_t seed : seeds) {
    at::Generator generator = make_generator(seed);
    posterior_noise.push_back(at::randn(shape, generator));
    noise.push_back(at::randn(shape, generator));
    if (options_.noise_offset != 0)
      noise.back() = noise.back() + at::randn({shape[0], 1, 1}, generator) * options_.noise_offset;
  }
  const at::Device device = cached.mean.device();
  const at::Tensor prompt_rows = at::tensor(prompts, at::kLong).to(device);
  return {cached.mean + cached.standard_deviation * at::stack(posterior_noise).to(device),
          at::stack(noise).to(device),
          at::tensor(timesteps, at::kLong).to(device),
          prompts_.prompt_embeds.index_select(0, prompt_rows),
          prompts_.pooled_prompt_embeds.index_select(0, prompt_rows),
          cached.time_ids,
          0};
}

}  // namespace ziplora
