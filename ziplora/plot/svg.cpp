#include "ziplora/plot/svg.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

#include "ziplora/base/printable.h"
#include "ziplora/base/utf8.h"

namespace ziplora {
namespace {

constexpr const char* kStyle =
    "text{font-family:system-ui,'Segoe UI','DejaVu Sans',sans-serif;font-size:12px;fill:#1f2328}"
    ".h{font-size:15px;font-weight:600}.p{fill:#ffffff}.g{stroke:#e1e5ea}.a{stroke:#6e7781}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.p{fill:#0d1117}.g{stroke:#2b3138}.a{stroke:#8b949e}}";

constexpr const char* kHead =
    R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img">
<title>{2}</title>
<style>{3}</style>
<rect class="p" width="{0}" height="{1}"/>
)";

constexpr std::array kColours = {"#3b7dd8", "#e0730c", "#2a9d5c", "#a05cd6",
                                 "#d6455d", "#1b9aa8", "#9c6b4e", "#808a94"};

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : visible(text)) switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\n':
        result += ' ';
        break;
      default:
        result += c;
    }
  return result;
}

const char* name_of(Anchor anchor) {
  return anchor == Anchor::kStart ? "start" : anchor == Anchor::kMiddle ? "middle" : "end";
}

/// The first bytes that hold so many characters.
size_t bytes_of(std::string_view text, size_t characters) {
  size_t at = 0;
  for (; characters > 0 && at < text.size(); --characters) do
      ++at;
    while (at < text.size() && continues_character(text[at]));
  return at;
}

}  // namespace

std::string series_colour(size_t series) { return kColours[series % kColours.size()]; }

std::string series_stroke(size_t series) {
  return fmt::format(R"(fill="none" stroke="{}" stroke-width="2" stroke-linejoin="round")",
                     series_colour(series));
}

std::string coordinate(double value) {
  const double rounded = std::round(value * 10) / 10;
  return fmt::format("{}", rounded == 0 ? 0.0 : rounded);
}

Svg::Svg(double width, double height, std::string_view title)
    : content_(fmt::format(kHead, coordinate(width), coordinate(height), escaped(title), kStyle)) {}

void Svg::path(std::string_view data, std::string_view look) {
  content_ += fmt::format("<path d=\"{}\" {}/>\n", data, look);
}

void Svg::line(SvgPoint from, SvgPoint to, std::string_view look) {
  path(
      fmt::format("M{} {}L{} {}", coordinate(from.x), coordinate(from.y), coordinate(to.x), coordinate(to.y)),
      look);
}

void Svg::grid_line(SvgPoint from, SvgPoint to) { line(from, to, R"(class="g")"); }
void Svg::axis_line(SvgPoint from, SvgPoint to) { line(from, to, R"(class="a")"); }

void Svg::rectangle(SvgPoint corner, double width, double height, std::string_view fill) {
  content_ +=
      fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n", coordinate(corner.x),
                  coordinate(corner.y), coordinate(width), coordinate(height), fill);
}

void Svg::text(SvgPoint at, std::string_view text, const TextLook& look) {
  const std::string turn =
      look.upwards ? fmt::format(" transform=\"rotate(-90 {} {})\"", coordinate(at.x), coordinate(at.y)) : "";
  content_ += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\"{}{}>{}</text>\n", coordinate(at.x),
                          coordinate(at.y), name_of(look.anchor), look.heading ? " class=\"h\"" : "", turn,
                          escaped(text));
}

std::string Svg::finish() && { return std::move(content_) + "</svg>\n"; }

std::string shortened(std::string_view text, size_t most) {
  const std::string shown = visible(text);
  const size_t count = count_characters(shown);
  if (count <= most) return shown;
  const size_t end = (most - 1) / 2, start = most - 1 - end;
  return shown.substr(0, bytes_of(shown, start)) + "…" + shown.substr(bytes_of(shown, count - end));
}

double text_width(std::string_view text) { return 6.8 * static_cast<double>(count_characters(text)); }

}  // namespace ziplora
