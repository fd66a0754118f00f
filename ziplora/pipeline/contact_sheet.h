#pragma once
/// A labelled grid of images that a person can look at: images are enlarged without smoothing when they
/// are small, with a heading over each column and a caption left of each row. Labels are drawn by cairo,
/// which picks the fonts.
///
///     ContactSheet sheet{.column_labels = {"base", "ziplora"}, .row_labels = {"a ghost at night"}, .cells =
///     {a, b}}; write_png("grid.png", draw_contact_sheet(sheet));

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ziplora {

struct ContactSheet {
  std::vector<std::string> column_labels;  ///< wrapped to the width of a cell
  std::vector<std::string>
      row_labels;                 ///< wrapped, and cut at the height of a cell; empty: no caption column
  std::vector<at::Tensor> cells;  ///< row by row, [3, H, W] float32 in 0…1; undefined: left blank
  int64_t cell_pixels = 256;      ///< small images are enlarged by a whole factor to at least this side;
                                  ///< images of unlike sizes in one sheet to about the same side
};

/// @return [3, H, W] float32 in 0…1
/// @throws Error(kInternal) unless there are rows × columns cells
at::Tensor draw_contact_sheet(const ContactSheet& sheet);

}  // namespace ziplora
