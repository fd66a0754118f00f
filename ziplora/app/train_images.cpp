#include "ziplora/app/train_images.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/data/aspect_buckets.h"
#include "ziplora/data/augmentation.h"
#include "ziplora/data/image_folder.h"
#include "ziplora/io/image_file.h"
#include "ziplora/train/prior_images.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

/// The sizes that images are cut to: one square, or buckets of about its area.
std::vector<ImageSize> training_sizes(const TrainSettings& settings, const Sdxl& base) {
  const int64_t resolution = training_resolution(settings, base);
  base.check_image_size(resolution, resolution, "train: --resolution");
  if (settings.buckets) return aspect_buckets({.resolution = resolution, .step = base.image_size_step()});
  return {{resolution, resolution}};
}

std::vector<TrainingImage> cut_views(const TrainImages& images, const TrainSettings& settings,
                                     const std::vector<ImageSize>& sizes) {
  const bool moves = settings.random_crop || settings.zoom > 1;
  const bool varies = moves || settings.random_flip;
  CropViewOptions options;
  options.crop = moves ? CropPosition::kRandom : CropPosition::kCenter;
  options.mirroring = settings.random_flip ? Mirroring::kHalfTheTime : Mirroring::kNever;
  options.zoom = settings.zoom;
  std::vector<TrainingImage> cut;
  for (size_t i = 0; i < images.pixels.size(); ++i) {
    const at::Tensor& pixels = images.pixels[i];
    options.target = sizes[nearest_bucket({pixels.size(1), pixels.size(2)}, sizes)];
    at::Generator generator = make_generator(
        derive_seed(static_cast<uint64_t>(settings.seed), fmt::format("views of picture {}", i)));
    TrainingImage image{images.paths[i].string(), {}};
    for (int64_t view = 0; view < (varies ? settings.views : 1); ++view)
      image.views.push_back(crop_view(pixels, options, generator));
    cut.push_back(std::move(image));
  }
  return cut;
}

PriorImageOptions class_image_options(const TrainSettings& settings, int64_t resolution) {
  PriorImageOptions options;
  options.class_prompts = settings.class_prompt;
  options.count = settings.num_class_images();
  options.height = options.width = resolution;
  options.seed = derive_seed(static_cast<uint64_t>(settings.seed), "class images");
  return options;
}

std::vector<LatentCache> encode_class_images(const std::vector<ImageSize>& sizes,
                                             const TrainSettings& settings, const Sdxl& base,
                                             const fs::path& folder, ProgressSink& progress,
                                             const CancelToken& cancel) {
  std::vector<LatentCache> caches;
  if (settings.num_class_images() == 0) return caches;
  const std::vector<fs::path> paths = prior_images(
      base, class_image_options(settings, training_resolution(settings, base)), folder, progress, cancel);
  for (const ImageSize& size : sizes) {
    std::vector<TrainingImage> images;
    for (const fs::path& path : paths)
      images.push_back({path.string(), {crop_view(read_image(path), {.target = size}, make_generator(0))}});
    caches.emplace_back(base.vae, images, base.policy.device, settings.vae_tiling, progress, cancel);
  }
  return caches;
}

PromptEmbeddings encode_prompts(const Sdxl& base, const std::vector<std::string>& prompts,
                                ProgressSink& progress) {
  const at::NoGradGuard no_grad;
  const PromptEmbeddings embeddings = base.encode_prompt(prompts, progress);
  // Copies: what an inference-mode encoder returns must not be saved for a backward pass.
  return {embeddings.prompt_embeds.clone(), embeddings.pooled_prompt_embeds.clone()};
}

}  // namespace

TrainImages read_train_images(const std::vector<fs::path>& folders_or_files, const std::string& prompt) {
  TrainImages images;
  for (const CaptionedImage& item : list_captioned_images(folders_or_files)) {
    images.pixels.push_back(read_image(item.path));
    images.paths.push_back(item.path);
    images.captions.push_back(item.caption.value_or(prompt));
  }
  return images;
}

int64_t training_resolution(const TrainSettings& settings, const Sdxl& base) {
  return settings.resolution > 0 ? settings.resolution : base.default_image_size();
}

EncodedImages encode_train_images(TrainImages images, const TrainSettings& settings, const Sdxl& base,
                                  const fs::path& class_folder, ProgressSink& progress,
                                  const CancelToken& cancel) {
  std::vector<TrainingImage> views = cut_views(images, settings, training_sizes(settings, base));
  images.pixels.clear();
  LatentCache instance(base.vae, views, base.policy.device, settings.vae_tiling, progress, cancel);
  views.clear();
  std::vector<LatentCache> classes =
      encode_class_images(instance.bucket_sizes(), settings, base, class_folder, progress, cancel);

  std::vector<std::string> prompts;
  std::vector<int64_t> prompt_of_image;
  for (const std::string& caption : images.captions) {
    const auto found = std::ranges::find(prompts, caption);
    prompt_of_image.push_back(found - prompts.begin());
    if (found == prompts.end()) prompts.push_back(caption);
  }
  prompts.insert(prompts.end(), settings.class_prompt.begin(), settings.class_prompt.end());
  return {std::move(instance), std::move(classes), encode_prompts(base, prompts, progress),
          std::move(prompt_of_image)};
}

}  // namespace ziplora
