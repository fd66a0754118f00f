#include "ziplora/pipeline/contact_sheet.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <cairo.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

constexpr int64_t kGap = 8;  // pixels between cells
constexpr int64_t kCaptionWidth = 220;
constexpr double kFontPixels = 18;
constexpr int64_t kLineHeight = 23;

/// cairo draws nothing more after one byte that is no UTF-8 (a file's name may hold any).
std::string valid_utf8(const std::string& text) {
  std::string valid;
  return icu::UnicodeString::fromUTF8(text).toUTF8String(valid);
}

/// White with black text.
class LabelLayer {
 public:
  LabelLayer(int64_t width, int64_t height)
      : surface_(
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width), static_cast<int>(height)),
            cairo_surface_destroy),
        cairo_(cairo_create(surface_.get()), cairo_destroy) {
    if (cairo_status(cairo_.get()) != CAIRO_STATUS_SUCCESS)
      throw Error(ErrorKind::kExhausted, "contact sheet", cairo_status_to_string(cairo_status(cairo_.get())),
                  "draw fewer or smaller images");
    cairo_set_source_rgb(cairo_.get(), 1, 1, 1);
    cairo_paint(cairo_.get());
    cairo_set_source_rgb(cairo_.get(), 0, 0, 0);
    cairo_select_font_face(cairo_.get(), "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo_.get(), kFontPixels);
  }

  /// Lines no wider than `width`, broken between words; a word that is wider by itself is broken inside.
  std::vector<std::string> wrap(const std::string& text, int64_t width) const {
    const std::string whole = valid_utf8(text);
    const auto fits = [&](const std::string& line) { return text_width(line) <= static_cast<double>(width); };
    std::vector<std::string> lines(1);
    for (size_t begin = 0; begin < whole.size();) {
      const size_t end = std::min(whole.find(' ', begin), whole.size());
      std::string word = whole.substr(begin, end - begin);
      begin = end + 1;
      const std::string longer = lines.back().empty() ? word : lines.back() + " " + word;
      if (fits(longer)) {
        lines.back() = longer;
        continue;
      }
      if (!lines.back().empty()) lines.emplace_back();
      while (!fits(word)) {
        size_t length = after_first_character(word, 0);
        for (size_t next = length; fits(word.substr(0, next)); next = after_first_character(word, next))
          length = next;
        lines.back() = word.substr(0, length);
        word.erase(0, length);
        lines.emplace_back();
      }
      lines.back() = word;
    }
    return lines;
  }

  /// Wrapped text from a corner downwards, centred in `height`; what does not fit ends in an ellipsis.
  void draw(const std::string& text, int64_t left, int64_t top, int64_t width, int64_t height) {
    std::vector<std::string> lines = wrap(text, width);
    const auto room = static_cast<size_t>(std::max<int64_t>(1, height / kLineHeight));
    if (lines.size() > room) {
      lines.resize(room);
      lines.back() = wrap("…" + lines.back(), width).front().substr(std::string("…").size()) + "…";
    }
    const int64_t free = height - kLineHeight * static_cast<int64_t>(lines.size());
    double baseline =
        static_cast<double>(top) + static_cast<double>(std::max<int64_t>(0, free)) / 2 + kFontPixels;
    for (const std::string& line : lines) {
      cairo_move_to(cairo_.get(), static_cast<double>(left), baseline);
      cairo_show_text(cairo_.get(), line.c_str());
      baseline += static_cast<double>(kLineHeight);
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
  double text_width(const std::string& text) const {
    cairo_text_extents_t extents;
    cairo_text_extents(cairo_.get(), text.c_str(), &extents);
    return extents.x_advance;
  }

  /// Where the UTF-8 character at `begin` ends.
  static size_t after_first_character(const std::string& text, size_t begin) {
    size_t end = begin + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    return end;
  }

  std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> surface_;
  std::unique_ptr<cairo_t, decltype(&cairo_destroy)> cairo_;
};

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
  const LabelLayer ruler(1, 1);
  size_t heading_lines = 1;
  for (const std::string& label : sheet.column_labels)
    heading_lines = std::max(heading_lines, ruler.wrap(label, cell_width).size());
  const int64_t heading_height = kLineHeight * static_cast<int64_t>(heading_lines) + 2 * kGap;
  const int64_t caption = sheet.row_labels.empty() ? kGap : kCaptionWidth;
  const int64_t stride_x = cell_width + kGap, stride_y = cell_height + kGap;
  const auto left_of = [&](size_t column) { return caption + stride_x * static_cast<int64_t>(column); };
  const auto top_of = [&](size_t row) { return heading_height + stride_y * static_cast<int64_t>(row); };

  LabelLayer labels(left_of(columns), top_of(rows));
  for (size_t column = 0; column < columns; ++column)
    labels.draw(sheet.column_labels[column], left_of(column), 0, cell_width, heading_height);
  for (size_t row = 0; row < sheet.row_labels.size(); ++row)
    labels.draw(sheet.row_labels[row], kGap, top_of(row), caption - 2 * kGap, cell_height);

  at::Tensor result = labels.pixels();
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
