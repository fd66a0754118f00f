#include <gtest/gtest.h>

#include <cmath>

#include "ziplora/plot/heat_map.h"
#include "ziplora/plot/histogram.h"
#include "ziplora/plot/line_chart.h"

namespace ziplora {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

const LineChart kChart{.title = "<dog> & \"ink\x1b\"",
                       .x = {"x", 0, 10},
                       .y = {"y", 0, 1},
                       .series = {{.name = "a", .x = {0, 5, 10, 10}, .y = {0, 1, NAN, 0.5}}}};

TEST(Charts, TextIsEscapedAndFilesNeedNothingElse) {
  const std::string svg = svg_of(kChart);
  EXPECT_EQ(count(svg, "&lt;dog&gt; &amp; &quot;ink\\x1b&quot;"), 2);  // for readers, too
  EXPECT_EQ(count(svg, "<dog>"), 0);
  EXPECT_EQ(count(svg, "script") + count(svg, "href") + count(svg, "url("), 0);
  EXPECT_EQ(count(svg, "prefers-color-scheme:dark"), 1);
}

/// The area reaches from 74 to 740 and is 300 high; below the heading and one row of the legend it begins at 62.
TEST(Charts, ALineGoesThroughItsPointsAndStopsWhereOneIsMissing) {
  EXPECT_EQ(count(svg_of(kChart), "\"M74 362L407 62M740 212\""), 1);
}

TEST(Charts, BarsHaveTheHeightsOfTheirShares) {
  const std::string svg =
      svg_of(Histogram{.title = "t", .x = {"m", 0, 1}, .y_label = "share", .groups = {{"a", {0.25, 0.5}}}});
  EXPECT_EQ(count(svg, "\"M74 362V212H407V62H740V362Z\""), 1);
}

TEST(Charts, AMapHasItsCellsInTheColoursOfTheirValues) {
  const std::string svg = svg_of(HeatMap{.title = "t",
                                         .value = {"v", 0, 1},
                                         .rows = {"to_q", "to_k"},
                                         .columns = 2,
                                         .panels = {{"a", {{0, 0, 0.0}, {1, 1, 7.0}, {1, 0, NAN}}}}});
  EXPECT_EQ(count(svg, "<path d=\"M150 92h294v13h-294z\" fill=\"#440154\"/>"), 1);
  EXPECT_EQ(count(svg, "<path d=\"M445 106h294v13h-294z\" fill=\"#fde725\"/>"), 1);
}

TEST(Charts, LongNamesLoseTheirMiddle) {
  EXPECT_EQ(shortened("größer", 6), "größer");
  EXPECT_EQ(shortened("größer.safetensors", 7), "grö…ors");
}

}  // namespace
}  // namespace ziplora
