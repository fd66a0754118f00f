#include "ziplora/evaluate/image_preprocessing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "ziplora/base/error.h"
#include "ziplora/io/image_resize.h"

namespace ziplora {
namespace {

/// As get_resize_output_image_size of transformers, which truncates the longer edge.
ImageSize with_shortest_edge(ImageSize size, int64_t edge) {
  const auto longer = [&](int64_t length, int64_t shortest) {
    return static_cast<int64_t>(static_cast<double>(edge * length) / static_cast<double>(shortest));
  };
  return size.width <= size.height ? ImageSize{longer(size.height, size.width), edge}
                                   : ImageSize{edge, longer(size.width, size.height)};
}

at::Tensor cut_centre(const at::Tensor& image, ImageSize size) {
  if (image.size(1) < size.height || image.size(2) < size.width)
    throw Error(ErrorKind::kIncompatible, "image preprocessing",
                fmt::format("an image of {} × {} pixels (width × height) holds no {} × {}", image.size(2),
                            image.size(1), size.width, size.height),
                "give larger images, or an image encoder whose preprocessor_config.json resizes them");
  return center_crop(image, size.height, size.width);
}

const char* name_of(PillowFilter filter) {
  switch (filter) {
    case PillowFilter::kLanczos:
      return "Lanczos";
    case PillowFilter::kBilinear:
      return "bilinear";
    case PillowFilter::kBicubic:
      return "bicubic";
  }
  return "?";
}

std::string name_of(ImageSize size) {
  return size.height == size.width ? fmt::format("{}", size.height)
                                   : fmt::format("{} × {}", size.width, size.height);
}

at::Tensor per_channel(const std::array<float, 3>& values) {
  return at::tensor({values[0], values[1], values[2]}).view({1, 3, 1, 1});
}

}  // namespace

at::Tensor ImagePreprocessing::pixel_values(const at::Tensor& images) const {
  if (images.dim() != 4 || images.size(1) != 3 || images.scalar_type() != at::kByte)
    throw Error(ErrorKind::kInternal, "image preprocessing", "images of [B, 3, H, W] bytes are expected");
  std::vector<at::Tensor> prepared;
  for (at::Tensor image : images.unbind()) {
    const ImageSize own{image.size(1), image.size(2)};
    const ImageSize size = shortest_edge ? with_shortest_edge(own, shortest_edge) : resized;
    if (size.height) image = resize_as_pillow(image, size.height, size.width, filter);
    prepared.push_back(cropped.height ? cut_centre(image, cropped) : image);
  }
  // In float64 until it is scaled, as transformers does it.
  const at::Tensor scaled = (at::stack(prepared).to(at::kDouble) * rescale_factor).to(at::kFloat);
  return (scaled - per_channel(mean)) / per_channel(deviation);
}

std::string ImagePreprocessing::text() const {
  const std::string out = name_of(output());
  if (!shortest_edge && !resized.height) return fmt::format("{} px, not resized", out);
  const std::string before = shortest_edge ? fmt::format("{}", shortest_edge) : name_of(resized);
  return fmt::format("{}{} px, {}", out, before == out ? "" : " of " + before, name_of(filter));
}

ImagePreprocessing clip_preprocessing(int64_t image_size) {
  return image_preprocessing({{"size", image_size}, {"crop_size", image_size}}, ImageProcessor::kClip);
}

at::Tensor image_bytes(const at::Tensor& images) {
  if (images.scalar_type() == at::kByte) return images;
  return images.clamp(0, 1).mul(255).round().to(at::kByte);
}

}  // namespace ziplora
