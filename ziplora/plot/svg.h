#pragma once
/// A picture as SVG text: shapes and words that any browser shows, on a light page and on a dark one. No script, no font
/// and no file beside it.
///
///     Svg svg(760, 420, "Energy kept");
///     svg.path("M10 10L90 90", series_stroke(0));
///     svg.text({.x = 10, .y = 20}, "dog & ink");   // escaped
///     std::string file = std::move(svg).finish();
///
/// Written here because the plotting libraries of Debian 12 (PLplot, MathGL, plotutils) bring far more than lines and
/// words, and none of them knows dark pages.

#include <cstddef>
#include <string>
#include <string_view>

namespace ziplora {

/// In pixels from the upper left corner.
struct SvgPoint {
  double x = 0, y = 0;
};

enum class Anchor { kStart, kMiddle, kEnd };

struct TextLook {
  Anchor anchor = Anchor::kStart;
  bool heading = false;
  bool upwards = false;  ///< turned by a quarter to the left
};

/// Colours that can be told apart on white and on black; the ninth is the first again.
std::string series_colour(size_t series);
/// Attributes of a line of 2 pixels.
std::string series_stroke(size_t series);

/// With a digit behind the point, and none where it is 0: what a coordinate takes in a file.
std::string coordinate(double value);

class Svg {
 public:
  /// @param title  what a reader that shows no images says
  Svg(double width, double height, std::string_view title);
  /// @param data  of the attribute d
  /// @param look  further attributes
  void path(std::string_view data, std::string_view look);
  /// Lines of the grid and of the axes.
  void grid_line(SvgPoint from, SvgPoint to);
  void axis_line(SvgPoint from, SvgPoint to);
  void rectangle(SvgPoint corner, double width, double height, std::string_view fill);
  /// What a terminal would obey is shown, as `visible` does, so the file is well-formed whatever the text is.
  void text(SvgPoint at, std::string_view text, const TextLook& look = {});
  std::string finish() &&;

 private:
  void line(SvgPoint from, SvgPoint to, std::string_view look);
  std::string content_;
};

/// "" with at most `most` characters; the middle of longer ones is "…".
std::string shortened(std::string_view text, size_t most);
/// How wide a line of text is, about.
double text_width(std::string_view text);

}  // namespace ziplora
