#include "ziplora/evaluate/judge.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

#include "ziplora/evaluate/image_encoder_kind.h"
#include "ziplora/io/image_file.h"

namespace ziplora {
namespace {

constexpr const char* kPixels = "pixels";
constexpr int64_t kPixelsOfASide = 16;
/// Images in memory at a time.
constexpr size_t kAtOnce = 32;

ImageEncoder pixel_encoder() {
  ImagePreprocessing preprocessing;
  preprocessing.resized = {kPixelsOfASide, kPixelsOfASide};
  preprocessing.filter = PillowFilter::kBilinear;
  preprocessing.mean = preprocessing.deviation = {0.5F, 0.5F, 0.5F};
  const auto flat = [](const at::Tensor& pixel_values) { return pixel_values.flatten(1); };
  return {{.name = kPixels, .image_size = kPixelsOfASide, .any_size = false, .features = flat},
          preprocessing};
}

bool has_text_encoder(const std::filesystem::path& folder) {
  const nlohmann::json config = read_encoder_config(folder, "open judge");
  return config.contains("text_config");
}

}  // namespace

Judge::Judge(const std::string& what)
    : images_(what == kPixels ? pixel_encoder() : open_image_encoder(what)) {
  if (what != kPixels && has_text_encoder(what)) texts_.emplace(what);
}

at::Tensor Judge::embed(const std::vector<std::filesystem::path>& images) const {
  std::vector<at::Tensor> features, batch;
  const auto embed_batch = [&] {
    if (!batch.empty()) features.push_back(images_.embed(at::stack(batch)));
    batch.clear();
  };
  for (const std::filesystem::path& file : images) {
    const at::Tensor image = read_image(file);
    if (batch.size() == kAtOnce || (!batch.empty() && !batch.back().sizes().equals(image.sizes())))
      embed_batch();
    batch.push_back(image);
  }
  embed_batch();
  return at::cat(features);
}

}  // namespace ziplora
