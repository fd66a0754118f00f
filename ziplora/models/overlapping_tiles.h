#pragma once
/// Takes an image that is too large for one pass through the autoencoder in tiles, which overlap by a quarter
/// and are blended where they do. Positions, overlaps and the order of blending are those of diffusers'
/// AutoencoderKL. As there, an image no larger than a tile is a single tile.
///
///     in_overlapping_tiles(latents, {.latent_size = 128, .in_scale = 1, .out_scale = 8}, decode);

#include <ATen/core/Tensor.h>

#include <functional>

namespace ziplora {

struct TileSizes {
  int64_t latent_size;          ///< side of a tile in latents, a multiple of 4
  int64_t in_scale, out_scale;  ///< elements of the input and of the output per latent along a side
};

/// @param input  [B, C, height, width], both sides multiples of in_scale
/// @param each   a tile of it → [B, D, rows · out_scale / in_scale, columns · out_scale / in_scale]
/// @return       [B, D, height · out_scale / in_scale, width · out_scale / in_scale]
/// @throws Error(kUsage) if the tiles' size is not a multiple of 4
at::Tensor in_overlapping_tiles(const at::Tensor& input, const TileSizes& sizes,
                                const std::function<at::Tensor(const at::Tensor&)>& each);

}  // namespace ziplora
