#pragma once
/// The images of a training run on their way to the UNet: read with their captions, cut to views of the size
/// that the run trains at, encoded once to latents and prompt embeddings.
///
///     TrainImages images = read_train_images({"photos/"}, "a sks dog");
///     EncodedImages encoded = encode_train_images(std::move(images), settings, base, class_folder,
///                                                 progress, cancel);
///     DreamBoothBatches batches(encoded.instance, encoded.classes, encoded.prompts,
///                               encoded.prompt_of_image, options);

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ziplora/app/train_settings.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/models/sdxl.h"
#include "ziplora/train/latent_cache.h"

namespace ziplora {

/// One entry per image in each list.
struct TrainImages {
  std::vector<std::filesystem::path> paths;
  std::vector<std::string> captions;
  std::vector<at::Tensor> pixels;  ///< [3, H, W] float32 in 0…1
};

/// @param prompt  the caption of images that have none
/// @throws Error(kInput) as list_captioned_images and read_image
TrainImages read_train_images(const std::vector<std::filesystem::path>& folders_or_files,
                              const std::string& prompt);

/// The side of the training images in pixels: the setting, or the base's own.
int64_t training_resolution(const TrainSettings& settings, const Sdxl& base);

struct EncodedImages {
  LatentCache instance;
  std::vector<LatentCache> classes;      ///< the class images cut to each bucket of `instance`; may be empty
  PromptEmbeddings prompts;              ///< distinct captions in order of appearance, then the class prompts
  std::vector<int64_t> prompt_of_image;  ///< row of `prompts` for each image of `instance`
};

/// Draws missing class images where the settings ask for them. The pixels are freed once they are encoded.
/// @param class_folder  where class images are kept
/// @throws Error(kUsage) if the base cannot be trained at this resolution; otherwise as LatentCache and
///         prior_images
EncodedImages encode_train_images(TrainImages images, const TrainSettings& settings, const Sdxl& base,
                                  const std::filesystem::path& class_folder, ProgressSink& progress,
                                  const CancelToken& cancel);

}  // namespace ziplora
