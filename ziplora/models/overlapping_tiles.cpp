#include "ziplora/models/overlapping_tiles.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

/// Crossfades from the last `extent` lines of the tile before, along `dim`, to the first lines of `tile`. In
/// place, because the next tile fades from the blended one, as in diffusers.
void blend(const at::Tensor& before, at::Tensor& tile, int64_t dim, int64_t extent) {
  extent = std::min({before.size(dim), tile.size(dim), extent});
  std::vector<int64_t> shape(4, 1);
  shape[dim] = extent;
  const at::Tensor weight = at::arange(extent, tile.options()).div_(static_cast<double>(extent)).view(shape);
  at::Tensor seam = tile.narrow(dim, 0, extent);
  seam.mul_(weight).add_(before.narrow(dim, before.size(dim) - extent, extent) * (1 - weight));
}

}  // namespace

at::Tensor in_overlapping_tiles(const at::Tensor& input, const TileSizes& sizes,
                                const std::function<at::Tensor(const at::Tensor&)>& each) {
  const int64_t tile_size = sizes.latent_size;
  if (tile_size < 4 || tile_size % 4) {
    throw Error(ErrorKind::kUsage, "autoencoder: tiles",
                fmt::format("a tile of {} latents cannot overlap its neighbours by a quarter", tile_size),
                "give a multiple of 4");
  }
  // In latents.
  const int64_t height = input.size(2) / sizes.in_scale, width = input.size(3) / sizes.in_scale;
  if (height <= tile_size && width <= tile_size) return each(input);
  const int64_t stride = tile_size * 3 / 4;
  const int64_t overlap = tile_size / 4 * sizes.out_scale;
  at::Tensor output;
  std::vector<at::Tensor> above;  // the blended tiles of the row above: all that is kept besides the output
  for (int64_t y = 0; y < height; y += stride) {
    std::vector<at::Tensor> row;
    for (int64_t x = 0; x < width; x += stride) {
      at::Tensor tile =
          each(input.narrow(2, y * sizes.in_scale, std::min(tile_size, height - y) * sizes.in_scale)
                   .narrow(3, x * sizes.in_scale, std::min(tile_size, width - x) * sizes.in_scale));
      if (!above.empty()) blend(above[row.size()], tile, 2, overlap);
      if (!row.empty()) blend(row.back(), tile, 3, overlap);
      if (!output.defined())
        output = at::empty({tile.size(0), tile.size(1), height * sizes.out_scale, width * sizes.out_scale},
                           tile.options());
      const int64_t rows = std::min(stride, height - y) * sizes.out_scale,
                    columns = std::min(stride, width - x) * sizes.out_scale;
      output.narrow(2, y * sizes.out_scale, rows)
          .narrow(3, x * sizes.out_scale, columns)
          .copy_(tile.narrow(2, 0, rows).narrow(3, 0, columns));
      row.push_back(tile);
    }
    above = std::move(row);
  }
  return output;
}

}  // namespace ziplora
