#include "ziplora/models/vit_embeddings.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <fmt/format.h>

#include "ziplora/nn/initialization.h"

namespace ziplora {
namespace {

constexpr double kInitialDeviation = 0.02;

int64_t side_of(const VitEmbeddings::Options& options) { return options.image_size / options.patch_size; }

}  // namespace

int64_t read_patch_size(ConfigReader& config, int64_t image_size) {
  const int64_t patch_size = config.positive("patch_size");
  if (patch_size > image_size)
    config.unsupported("patch_size", fmt::format("at most image_size {}", image_size));
  return patch_size;
}

VitEmbeddings::VitEmbeddings(Options o)
    : options_(o),
      projection_({.in_channels = 3,
                   .out_channels = o.hidden_size,
                   .kernel_size = o.patch_size,
                   .stride = o.patch_size}) {
  register_parameter("cls_token", cls_token_, {1, 1, o.hidden_size});
  register_parameter("position_embeddings", position_embeddings_,
                     {1, 1 + side_of(o) * side_of(o), o.hidden_size});
  register_module("patch_embeddings.projection", projection_);
}

at::Tensor VitEmbeddings::forward(const at::Tensor& pixel_values) const {
  const at::Tensor grid = projection_.forward(pixel_values);   // [B, hidden, rows, columns]
  const at::Tensor patches = grid.flatten(2).transpose(1, 2);  // [B, rows · columns, hidden]
  const at::Tensor first = cls_token_.expand({grid.size(0), 1, options_.hidden_size});
  return at::cat({first, patches}, 1) + positions(grid.size(2), grid.size(3));
}

at::Tensor VitEmbeddings::positions(int64_t rows, int64_t columns) const {
  const int64_t side = side_of(options_);
  if (rows == side && columns == side) return position_embeddings_;
  const at::Tensor square = position_embeddings_.slice(1, 1)
                                .view({1, side, side, options_.hidden_size})
                                .permute({0, 3, 1, 2});  // [1, hidden, side, side]
  const at::Tensor resized = at::upsample_bicubic2d(square, {rows, columns}, /*align_corners=*/false);
  return at::cat({position_embeddings_.slice(1, 0, 1), resized.flatten(2).transpose(1, 2)}, 1);
}

void VitEmbeddings::reset_parameters(at::Generator generator) {
  const int64_t positions = 1 + side_of(options_) * side_of(options_);
  fill_normal(cls_token_, {1, 1, options_.hidden_size}, kInitialDeviation, generator);
  fill_normal(position_embeddings_, {1, positions, options_.hidden_size}, kInitialDeviation, generator);
}

}  // namespace ziplora
