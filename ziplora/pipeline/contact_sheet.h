#pragma once
/// A labelled grid of images for people: a heading over each column, a caption left of each row. Small images
/// are enlarged without smoothing. Labels are drawn by label_text.h.
///
///     ContactSheet sheet{.column_labels = {"base", "ziplora"},
///                        .row_labels = {"a ghost at night"},
///                        .cells = {a, b}};
///     write_png("grid.png", draw_contact_sheet(sheet));

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ziplora {

struct ContactSheet {
  /// Wrapped to the width of a cell.
  std::vector<std::string> column_labels;
  /// Wrapped, and cut at the height of a cell; empty: no caption column.
  std::vector<std::string> row_labels;
  /// Row by row, [3, H, W] float32 in 0…1; undefined: left blank.
  std::vector<at::Tensor> cells;
  /// Small images are enlarged by a whole factor to at least this side, images of unlike sizes in one sheet
  /// to about the same side.
  int64_t cell_pixels = 256;
};

/// @return [3, H, W] float32 in 0…1
/// @throws Error(kInternal) unless there are rows × columns cells, Error(kInput) if the font is missing
at::Tensor draw_contact_sheet(const ContactSheet& sheet);

}  // namespace ziplora
