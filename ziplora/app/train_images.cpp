#include "ziplora/app/train_images.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/data/augmentation.h"
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

/// Zoomed views of a long image could ask for any amount of memory. The largest image that is resized to takes
/// 6 GB.
void refuse_gigantic_views(const TrainImages& images, size_t i, const CropViewOptions& options) {
  constexpr double kLimitPixels = 1 << 29;
  const auto [height, width] = images.sizes[i];
  const double scale = std::max(static_cast<double>(options.target.height) / static_cast<double>(height),
                                static_cast<double>(options.target.width) / static_cast<double>(width)) *
                       options.zoom;
  if (scale * scale * static_cast<double>(height) * static_cast<double>(width) > kLimitPixels)
    throw Error(ErrorKind::kInput, "train: " + images.paths[i].string(),
                fmt::format("its {} × {} pixels would be enlarged {:.0f} times, which takes over 6 GB", width,
                            height, scale),
                "cut out the part of it that matters, or zoom less");
}

/// The views of image i, read and cut when it is asked for.
LatentCache::Source views_of(const TrainImages& images, const TrainSettings& settings,
                             const std::vector<ImageSize>& sizes) {
  const bool moves = settings.random_crop || settings.zoom > 1;
  const bool varies = moves || settings.random_flip;
  CropViewOptions options;
  options.crop = moves ? CropPosition::kRandom : CropPosition::kCenter;
  options.mirroring = settings.random_flip ? Mirroring::kHalfTheTime : Mirroring::kNever;
  options.zoom = settings.zoom;
  const int64_t views = varies ? settings.views : 1;
  const auto seed = static_cast<uint64_t>(settings.seed);
  return [&images, &sizes, options, views, seed](size_t i) mutable {
    options.target = sizes[nearest_bucket(images.sizes[i], sizes)];
    refuse_gigantic_views(images, i, options);
    const at::Tensor pixels = read_image(images.paths[i]);
    at::Generator generator = make_generator(derive_seed(seed, fmt::format("views of picture {}", i)));
    TrainingImage image{images.paths[i].string(), {}};
    for (int64_t view = 0; view < views; ++view) image.views.push_back(crop_view(pixels, options, generator));
    return image;
  };
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
    const LatentCache::Source image = [&](size_t i) {
      return TrainingImage{paths[i].string(),
                           {crop_view(read_image(paths[i]), {.target = size}, make_generator(0))}};
    };
    caches.emplace_back(base.vae, paths.size(), image, base.policy.device, settings.vae_tiling, progress,
                        cancel);
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

/// "a.txt, b.txt and 7 more"
std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kMost = 8;
  const size_t shown = names.size() <= kMost ? names.size() : kMost - 1;
  std::string text;
  for (size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + names[i];
  return shown == names.size() ? text : fmt::format("{} and {} more", text, names.size() - shown);
}

std::string counted(size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

void say_what_is_used(const TrainImages& images, ProgressSink& progress) {
  const size_t count = images.paths.size(), captioned = static_cast<size_t>(images.captioned);
  std::string text = counted(count, "image", "images");
  if (images.items.size() != count) text += fmt::format(", {} with their repeats", images.items.size());
  text += fmt::format(", {}", captioned == 0 ? "no captions" : counted(captioned, "caption", "captions"));
  if (captioned < count) text += captioned == 0 ? ": all get the prompt" : ": the others get the prompt";
  progress.note(text);
  if (images.unused.empty()) return;
  std::vector<std::string> names;
  for (const UnusedFile& file : images.unused)
    names.push_back(fmt::format("{} ({})", file.path.filename().string(), file.reason));
  progress.warning("not used: " + some_of(names));
}

void warn_of_empty_captions(const std::vector<CaptionedImage>& items, ProgressSink& progress) {
  std::vector<std::string> names;
  for (const CaptionedImage& item : items)
    if (item.caption && item.caption->empty()) names.push_back(item.path.filename().string());
  if (!names.empty())
    progress.warning(fmt::format("the caption is empty, and so is what {} {} learned under: {}",
                                 counted(names.size(), "image", "images"), names.size() == 1 ? "is" : "are",
                                 some_of(names)));
}

void warn_of_thumbnails(const TrainImages& images, const std::vector<ImageSize>& sizes,
                        ProgressSink& progress) {
  std::vector<std::string> names;
  for (size_t i = 0; i < images.paths.size(); ++i) {
    const ImageSize& size = images.sizes[i];
    const ImageSize& target = sizes[nearest_bucket(size, sizes)];
    if (2 * size.height <= target.height || 2 * size.width <= target.width)
      names.push_back(
          fmt::format("{} ({} × {})", images.paths[i].filename().string(), size.width, size.height));
  }
  if (!names.empty())
    progress.warning(fmt::format("enlarged to twice the side or more, which blurs: {}", some_of(names)));
}

}  // namespace

std::vector<fs::path> TrainImages::listed() const {
  std::vector<fs::path> files;
  for (const int64_t image : items) files.push_back(paths[static_cast<size_t>(image)]);
  return files;
}

TrainImages find_train_images(const std::vector<fs::path>& folders_or_files, const std::string& prompt,
                              ProgressSink& progress) {
  ListedImages listed = list_training_images(folders_or_files);
  TrainImages images;
  std::vector<CaptionedImage> distinct;
  std::map<fs::path, int64_t> places;  // in images.paths
  for (const CaptionedImage& item : listed.items) {
    const auto [place, is_new] = places.emplace(item.path, static_cast<int64_t>(places.size()));
    images.items.push_back(place->second);
    if (!is_new) continue;
    images.sizes.push_back(check_image(item.path));
    images.paths.push_back(item.path);
    images.captions.push_back(item.caption.value_or(prompt));
    images.captioned += item.caption.has_value();
    distinct.push_back(item);
  }
  images.unused = std::move(listed.unused);
  say_what_is_used(images, progress);
  warn_of_empty_captions(distinct, progress);
  return images;
}

int64_t training_resolution(const TrainSettings& settings, const Sdxl& base) {
  return settings.resolution > 0 ? settings.resolution : base.default_image_size();
}

EncodedImages encode_train_images(const TrainImages& images, const TrainSettings& settings, const Sdxl& base,
                                  const fs::path& class_folder, ProgressSink& progress,
                                  const CancelToken& cancel) {
  const std::vector<ImageSize> sizes = training_sizes(settings, base);
  warn_of_thumbnails(images, sizes, progress);
  LatentCache instance(base.vae, images.paths.size(), views_of(images, settings, sizes), base.policy.device,
                       settings.vae_tiling, progress, cancel);
  std::vector<LatentCache> classes =
      encode_class_images(instance.bucket_sizes(), settings, base, class_folder, progress, cancel);
  instance.rearrange(images.items);

  std::vector<std::string> prompts;
  std::map<std::string, int64_t> places;  // in prompts
  std::vector<int64_t> prompt_of_item;
  for (const int64_t image : images.items) {
    const std::string& caption = images.captions[static_cast<size_t>(image)];
    const auto [place, is_new] = places.emplace(caption, static_cast<int64_t>(places.size()));
    prompt_of_item.push_back(place->second);
    if (is_new) prompts.push_back(caption);
  }
  prompts.insert(prompts.end(), settings.class_prompt.begin(), settings.class_prompt.end());
  return {std::move(instance), std::move(classes), encode_prompts(base, prompts, progress),
          std::move(prompt_of_item)};
}

}  // namespace ziplora
