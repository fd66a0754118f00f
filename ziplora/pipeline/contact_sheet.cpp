#include "ziplora/pipeline/contact_sheet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>

#include <algorithm>

#include "ziplora/base/error.h"
#include "ziplora/pipeline/label_text.h"

namespace ziplora {
namespace {

constexpr int64_t kGap = 8;  // pixels between cells
constexpr int64_t kCaptionWidth = 220;
constexpr int64_t kFontPixels = 18;
constexpr int64_t kLineHeight = 23;

/// Draws a label from a corner downwards, centred in `height`; what does not fit ends in an ellipsis.
/// @param page  [H, W], as LabelFont::draw takes it
void draw_label(at::Tensor& page, const LabelFont& font, const std::string& text, int64_t left, int64_t top,
                int64_t width, int64_t height) {
  std::vector<std::string> lines = font.wrap(text, width);
  const auto room = static_cast<size_t>(std::max<int64_t>(1, height / kLineHeight));
  if (lines.size() > room) {
    const std::string ellipsis = "…";
    lines.resize(room);
    lines.back() = font.wrap(ellipsis + lines.back(), width).front().substr(ellipsis.size()) + ellipsis;
  }
  const int64_t free = height - kLineHeight * static_cast<int64_t>(lines.size());
  int64_t baseline = top + (std::max<int64_t>(0, free) + 1) / 2 + kFontPixels;
  for (const std::string& line : lines) {
    font.draw(page, line, left, baseline);
    baseline += kLineHeight;
  }
}

int64_t longest_side(const at::Tensor& image) { return std::max(image.size(1), image.size(2)); }

/// Each pixel repeated, so that a small image keeps its edges.
at::Tensor enlarge(const at::Tensor& image, int64_t factor) {
  return image.repeat_interleave(factor, 1).repeat_interleave(factor, 2);
}

/// Images of unlike sizes in boxes of one size, each enlarged by the largest whole factor that fits.
std::vector<at::Tensor> enlarged_cells(const ContactSheet& sheet) {
  int64_t box = 0;
  for (const at::Tensor& cell : sheet.cells) {
    if (!cell.defined()) continue;
    const int64_t side = longest_side(cell);
    box = std::max(box, side * std::max<int64_t>(1, (sheet.cell_pixels + side - 1) / side));
  }
  std::vector<at::Tensor> cells;
  for (const at::Tensor& cell : sheet.cells)
    cells.push_back(cell.defined() ? enlarge(cell.to(at::kFloat).cpu(), box / longest_side(cell))
                                   : at::Tensor());
  return cells;
}

}  // namespace

at::Tensor draw_contact_sheet(const ContactSheet& sheet) {
  const size_t columns = sheet.column_labels.size();
  if (columns == 0 || sheet.cells.empty() || sheet.cells.size() % columns != 0 ||
      (!sheet.row_labels.empty() && sheet.row_labels.size() * columns != sheet.cells.size()))
    throw Error(ErrorKind::kInternal, "contact sheet",
                std::to_string(sheet.cells.size()) + " cells in " + std::to_string(columns) + " columns");
  const size_t rows = sheet.cells.size() / columns;

  const std::vector<at::Tensor> cells = enlarged_cells(sheet);
  int64_t cell_height = 0, cell_width = 0;
  for (const at::Tensor& cell : cells) {
    if (!cell.defined()) continue;
    cell_height = std::max(cell_height, cell.size(1));
    cell_width = std::max(cell_width, cell.size(2));
  }
  const LabelFont font(kFontPixels);
  size_t heading_lines = 1;
  for (const std::string& label : sheet.column_labels)
    heading_lines = std::max(heading_lines, font.wrap(label, cell_width).size());
  const int64_t heading_height = kLineHeight * static_cast<int64_t>(heading_lines) + 2 * kGap;
  const int64_t caption = sheet.row_labels.empty() ? kGap : kCaptionWidth;
  const int64_t stride_x = cell_width + kGap, stride_y = cell_height + kGap;
  const auto left_of = [&](size_t column) { return caption + stride_x * static_cast<int64_t>(column); };
  const auto top_of = [&](size_t row) { return heading_height + stride_y * static_cast<int64_t>(row); };

  at::Tensor page = at::full({top_of(rows), left_of(columns)}, 255, at::kByte);
  for (size_t column = 0; column < columns; ++column)
    draw_label(page, font, sheet.column_labels[column], left_of(column), 0, cell_width, heading_height);
  for (size_t row = 0; row < sheet.row_labels.size(); ++row)
    draw_label(page, font, sheet.row_labels[row], kGap, top_of(row), caption - 2 * kGap, cell_height);

  at::Tensor result = page.to(at::kFloat).div(255.0).expand({3, -1, -1}).contiguous();
  for (size_t i = 0; i < cells.size(); ++i) {
    const at::Tensor& cell = cells[i];
    if (!cell.defined()) continue;
    result.narrow(1, top_of(i / columns), cell.size(1))
        .narrow(2, left_of(i % columns), cell.size(2))
        .copy_(cell.clamp(0.0, 1.0));
  }
  return result;
}

}  // namespace ziplora
