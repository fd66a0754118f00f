#include "ziplora/pipeline/contact_sheet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <cairo.h>

#include <algorithm>
#include <memory>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

constexpr int64_t kGap = 8;            // pixels between cells
constexpr int64_t kHeadingHeight = 40;
constexpr int64_t kCaptionWidth = 220;
constexpr double kFontPixels = 18;

/// White with black text, as wide and high as the sheet.
class LabelLayer {
 public:
  LabelLayer(int64_t width, int64_t height)
      : surface_(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width), static_cast<int>(height)),
                 cairo_surface_destroy),
        cairo_(cairo_create(surface_.get()), cairo_destroy) {
    if (cairo_status(cairo_.get()) != CAIRO_STATUS_SUCCESS)
      throw Error(ErrorKind::kExhausted, "contact sheet", cairo_status_to_string(cairo_status(cairo_.get())),
                  "draw fewer or smaller pictures");
    cairo_set_source_rgb(cairo_.get(), 1, 1, 1);
    cairo_paint(cairo_.get());
    cairo_set_source_rgb(cairo_.get(), 0, 0, 0);
    cairo_select_font_face(cairo_.get(), "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo_.get(), kFontPixels);
  }

  /// Words wrapped to `width`, centred in height.
  void draw(const std::string& text, int64_t left, int64_t top, int64_t width, int64_t height) {
    std::vector<std::string> lines(1);
    for (size_t begin = 0; begin < text.size();) {
      size_t end = std::min(text.find(' ', begin), text.size());
      const std::string word = text.substr(begin, end - begin);
      const std::string longer = lines.back().empty() ? word : lines.back() + " " + word;
      if (lines.back().empty() || text_width(longer) <= static_cast<double>(width))
        lines.back() = longer;
      else
        lines.push_back(word);
      begin = end + 1;
    }
    const double line_height = kFontPixels * 1.25;
    double baseline = static_cast<double>(top) +
                      (static_cast<double>(height) - line_height * static_cast<double>(lines.size())) / 2 + kFontPixels;
    for (const std::string& line : lines) {
      cairo_move_to(cairo_.get(), static_cast<double>(left), baseline);
      cairo_show_text(cairo_.get(), line.c_str());
      baseline += line_height;
    }
  }

  /// [3, H, W] float32 in 0…1
  at::Tensor pixels() const {
    cairo_surface_flush(surface_.get());
    const int64_t height = cairo_image_surface_get_height(surface_.get());
    const int64_t width = cairo_image_surface_get_width(surface_.get());
    // RGB24 is one native-endian word 0x00RRGGBB: bytes B, G, R, unused on little-endian machines
    const at::Tensor bytes = at::from_blob(cairo_image_surface_get_data(surface_.get()), {height, width, 4},
                                           {cairo_image_surface_get_stride(surface_.get()), 4, 1}, at::kByte);
    return bytes.narrow(2, 0, 3).flip({2}).permute({2, 0, 1}).to(at::kFloat).div(255.0).contiguous();
  }

 private:
  double text_width(const std::string& text) {
    cairo_text_extents_t extents;
    cairo_text_extents(cairo_.get(), text.c_str(), &extents);
    return extents.x_advance;
  }

  std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> surface_;
  std::unique_ptr<cairo_t, decltype(&cairo_destroy)> cairo_;
};

/// Each pixel repeated, so that a small picture keeps its edges.
at::Tensor enlarge(const at::Tensor& image, int64_t cell_pixels) {
  const int64_t longest = std::max(image.size(1), image.size(2));
  const int64_t factor = std::max<int64_t>(1, (cell_pixels + longest - 1) / longest);
  return image.repeat_interleave(factor, 1).repeat_interleave(factor, 2);
}

}  // namespace

at::Tensor draw_contact_sheet(const ContactSheet& sheet) {
  const size_t columns = sheet.column_labels.size();
  if (columns == 0 || sheet.cells.empty() || sheet.cells.size() % columns != 0 ||
      (!sheet.row_labels.empty() && sheet.row_labels.size() * columns != sheet.cells.size()))
    throw Error(ErrorKind::kInternal, "contact sheet", std::to_string(sheet.cells.size()) + " cells in " +
                                                           std::to_string(columns) + " columns");
  const size_t rows = sheet.cells.size() / columns;

  std::vector<at::Tensor> cells;
  int64_t cell_height = 0, cell_width = 0;
  for (const at::Tensor& cell : sheet.cells) {
    cells.push_back(cell.defined() ? enlarge(cell.to(at::kFloat).cpu(), sheet.cell_pixels) : at::Tensor());
    if (!cell.defined()) continue;
    cell_height = std::max(cell_height, cells.back().size(1));
    cell_width = std::max(cell_width, cells.back().size(2));
  }
  const int64_t caption = sheet.row_labels.empty() ? kGap : kCaptionWidth;
  const int64_t stride_x = cell_width + kGap, stride_y = cell_height + kGap;

  LabelLayer labels(caption + stride_x * static_cast<int64_t>(columns),
                    kHeadingHeight + stride_y * static_cast<int64_t>(rows));
  for (size_t column = 0; column < columns; ++column)
    labels.draw(sheet.column_labels[column], caption + stride_x * static_cast<int64_t>(column), 0, cell_width,
                kHeadingHeight);
  for (size_t row = 0; row < sheet.row_labels.size(); ++row)
    labels.draw(sheet.row_labels[row], kGap, kHeadingHeight + stride_y * static_cast<int64_t>(row), caption - 2 * kGap,
                cell_height);

  at::Tensor result = labels.pixels();
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!cells[i].defined()) continue;
    const int64_t left = caption + stride_x * static_cast<int64_t>(i % columns);
    const int64_t top = kHeadingHeight + stride_y * static_cast<int64_t>(i / columns);
    result.narrow(1, top, cells[i].size(1)).narrow(2, left, cells[i].size(2)).copy_(cells[i].clamp(0.0, 1.0));
  }
  return result;
}

}  // namespace ziplora
