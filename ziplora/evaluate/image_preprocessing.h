#pragma once
/// What an image encoder sees of an image: resized, cropped, scaled and normalised as preprocessor_config.json beside the
/// model says. Pixel values equal those of transformers' CLIPImageProcessor, ViTImageProcessor and BitImageProcessor
/// on Pillow (their torchvision backend rounds otherwise).
///
///     ImagePreprocessing preprocessing = image_preprocessing(config, ImageProcessor::kVit);
///     at::Tensor pixel_values = preprocessing.pixel_values(image_bytes(image));
///     preprocessing.text();   // "224 px, bicubic"

#include <ATen/core/Tensor.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "ziplora/io/image_size.h"
#include "ziplora/io/pillow_resize.h"

namespace ziplora {

struct ImagePreprocessing {
  int64_t shortest_edge = 0;  ///< resize this edge to it and keep proportions; 0: do not
  ImageSize resized;          ///< resize to exactly this; 0: do not
  PillowFilter filter = PillowFilter::kBicubic;
  ImageSize cropped;                  ///< cut this out of the centre; 0: do not
  double rescale_factor = 1.0 / 255;  ///< 1: bytes stay 0…255
  std::array<float, 3> mean{}, deviation{1, 1, 1};

  /// The size of what comes out.
  ImageSize output() const { return cropped.height ? cropped : resized; }

  /// @param images  [B, 3, H, W] uint8
  /// @return        [B, 3, h, w] float32
  /// @throws Error(kIncompatible) if the images are too small to crop and are not resized
  at::Tensor pixel_values(const at::Tensor& images) const;

  /// For people: "224 px, bicubic"; "224 of 256 px, bicubic" if more is resized than is kept.
  std::string text() const;
};

/// The classes of transformers, by what they do where preprocessor_config.json is silent.
enum class ImageProcessor { kClip, kVit, kBit };

/// @param config     preprocessor_config.json, also in the form of old files ("size": 224, "feature_extractor_type")
/// @param processor  counts if the config names none
/// @throws Error(kInput) or Error(kIncompatible) as ConfigReader, for settings unknown here, too
ImagePreprocessing image_preprocessing(const nlohmann::json& config, ImageProcessor processor);

/// What CLIP does for an encoder of images of this size, which its own code fixes.
ImagePreprocessing clip_preprocessing(int64_t image_size);

/// Images as the bytes that a file would hold, rounded as write_png rounds them.
/// @param images  [B, 3, H, W], float32 in 0…1, or uint8, which stays as it is
at::Tensor image_bytes(const at::Tensor& images);

}  // namespace ziplora
