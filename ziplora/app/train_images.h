#pragma once
/// The images of a training run on their way to the UNet: read with their captions, cut to views of the size
/// that the run trains at, encoded once to latents and prompt embeddings.
///
///     const TrainImages images = find_train_images({"photos/"}, "a sks dog", progress);
///     EncodedImages encoded = encode_train_images(images, settings, base, class_folder, progress, cancel);
///     DreamBoothBatches batches(encoded.instance, encoded.classes, encoded.prompts,
///                               encoded.prompt_of_image, options);

#include <filesystem>
#include <string>
#include <vector>

#include "ziplora/app/train_settings.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/data/aspect_buckets.h"
#include "ziplora/data/image_folder.h"
#include "ziplora/models/sdxl.h"
#include "ziplora/train/latent_cache.h"

namespace ziplora {

/// One entry per image in `paths`, `captions` and `sizes`. No pixels: a hundred photos would take 15 GB.
struct TrainImages {
  std::vector<std::filesystem::path> paths;
  std::vector<std::string> captions;
  std::vector<ImageSize> sizes;
  std::vector<int64_t> items;  ///< what the training goes through: images, some of them several times
  int64_t captioned = 0;       ///< images with a caption of their own
  std::vector<UnusedFile> unused;

  /// The path of each item.
  std::vector<std::filesystem::path> listed() const;
};

/// Decodes each image once, so that one that cannot be read is an error before the base is loaded. Says how many
/// images and captions there are, and what lies beside them and is not used.
/// @param prompt  the caption of images that have none
/// @throws Error(kInput) as list_training_images and read_image
TrainImages find_train_images(const std::vector<std::filesystem::path>& folders_or_files,
                              const std::string& prompt, ProgressSink& progress);

/// The side of the training images in pixels: the setting, or the base's own.
int64_t training_resolution(const TrainSettings& settings, const Sdxl& base);

struct EncodedImages {
  LatentCache instance;
  std::vector<LatentCache> classes;      ///< the class images cut to each bucket of `instance`; may be empty
  PromptEmbeddings prompts;              ///< distinct captions in order of appearance, then the class prompts
  std::vector<int64_t> prompt_of_image;  ///< row of `prompts` for each image of `instance`, an item each
};

/// Draws missing class images where the settings ask for them. Holds the pixels of one image at a time.
/// @param class_folder  where class images are kept
/// @throws Error(kUsage) if the base cannot be trained at this resolution; otherwise as LatentCache and
///         prior_images
EncodedImages encode_train_images(const TrainImages& images, const TrainSettings& settings, const Sdxl& base,
                                  const std::filesystem::path& class_folder, ProgressSink& progress,
                                  const CancelToken& cancel);

}  // namespace ziplora
