#pragma once
/// What a generated image carries in its PNG text: the options of `generate` that make it again, by name, and
/// the line that A1111 and its successors read. Paths stay as they were given. The digests of the adapters
/// are stored as well, since a file may have changed under the same name.
///
///     write_png(file, image, image_text(request, digests, row, set, row_index, image));
///     nlohmann::json settings = read_image_settings(file);  // {"prompt": ["a dog"], "seed": 7, …}

#include <nlohmann/json.hpp>

#include "ziplora/app/generate.h"
#include "ziplora/io/image_file.h"

namespace ziplora {

/// @param digests    sha256 of the run's adapters, by file as given
/// @param row_index  of the image in the run: its row of the initial noise
/// @param image      [3, H, W]
StringMap image_text(const GenerateRequest& request, const StringMap& digests, const ImageRow& row,
                     const AdapterSet& set, int64_t row_index, const at::Tensor& image);
/// @param image  [3, H, W], one cell of the grid
StringMap grid_text(const GenerateRequest& request, const StringMap& digests, const at::Tensor& image);

/// Of an image that ziplora did not make, those that A1111 and its successors write (a1111_parameters.h).
/// @throws Error(kInput) if the image carries no settings, or others than generate writes
nlohmann::json read_image_settings(const std::filesystem::path& image);
/// @return sha256 by adapter file; empty if the image does not record them
StringMap read_image_digests(const std::filesystem::path& image);

}  // namespace ziplora
