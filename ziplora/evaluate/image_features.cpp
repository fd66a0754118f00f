#include "ziplora/evaluate/image_features.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <vector>

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

constexpr int64_t kBatchSize = 32;

/// preprocessor_config.json, or its twin inside processor_config.json, where transformers 5 saves CLIP's; null if
/// there is neither.
nlohmann::json preprocessor_config(const std::filesystem::path& folder) {
  const std::filesystem::path own = folder / "preprocessor_config.json",
                              shared = folder / "processor_config.json";
  if (std::filesystem::exists(own)) return read_json_file(own);
  if (!std::filesystem::exists(shared)) return nullptr;
  const nlohmann::json config = read_json_file(shared);
  return config.is_object() ? config.value("image_processor", nlohmann::json()) : nullptr;
}

ImagePreprocessing preprocessing_of(const std::filesystem::path& folder, const ImageEncoderKind& kind,
                                    const OpenedImageModel& model) {
  const nlohmann::json config = preprocessor_config(folder);
  if (!config.is_null()) return image_preprocessing(config, kind.processor);
  if (kind.processor == ImageProcessor::kClip) return clip_preprocessing(model.image_size);
  throw Error(ErrorKind::kInput, "open image encoder " + folder.string(),
              "preprocessor_config.json is missing, so nothing says what the encoder is to see of an image",
              "download it into the folder, from where the weights come");
}

}  // namespace

ImageEncoder::ImageEncoder(OpenedImageModel model, ImagePreprocessing preprocessing)
    : model_(std::move(model)),
      preprocessing_(preprocessing),
      name_(fmt::format("{}, {}", model_.name, preprocessing.text())) {}

at::Tensor ImageEncoder::embed(const at::Tensor& images) const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> features;
  for (const at::Tensor& batch : image_bytes(images).split(kBatchSize))
    features.push_back(model_.features(preprocessing_.pixel_values(batch)));
  return rows_of_length_one(at::cat(features));
}

ImageEncoder open_image_encoder(const std::filesystem::path& folder) {
  const nlohmann::json config = read_encoder_config(folder, "open image encoder");
  const ImageEncoderKind& kind = find_image_encoder(config, folder);
  OpenedImageModel model = kind.open(config, folder);
  const ImagePreprocessing preprocessing = preprocessing_of(folder, kind, model);
  const ImageSize size = preprocessing.output();
  if (!model.any_size && (size.height != model.image_size || size.width != model.image_size))
    throw Error(
        ErrorKind::kIncompatible, "open image encoder " + folder.string(),
        fmt::format("the model takes images of {0} × {0} pixels, preprocessor_config.json makes them {1} "
                    "× {2} (width × height)",
                    model.image_size, size.width, size.height),
        "download both files again; they do not belong together");
  return {std::move(model), preprocessing};
}

}  // namespace ziplora
