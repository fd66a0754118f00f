#include "mini/world/svg_renderer.h"

#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora::mini {
namespace {

TEST(RenderSvg, PremultipliedColoursInTheRightPlaces) {
  // Left half: orange at half opacity; the box is 4 × 4, not at the origin.
  at::Tensor image =
      render_svg(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="10 20 4 4">)"
                 R"(<rect x="10" y="20" width="2" height="4" fill="#ff8000" fill-opacity="0.5"/></svg>)",
                 16);
  ASSERT_EQ(image.sizes(), at::IntArrayRef({4, 16, 16}));
  EXPECT_NEAR(image[0][8][3].item<float>(), 0.5f, 0.01f);
  EXPECT_NEAR(image[1][8][3].item<float>(), 0.25f, 0.01f);
  EXPECT_NEAR(image[2][8][3].item<float>(), 0.0f, 0.01f);
  EXPECT_NEAR(image[3][8][3].item<float>(), 0.5f, 0.01f);
  EXPECT_NEAR(image[3][8][12].item<float>(), 0.0f, 1e-6f);
}

TEST(RenderSvg, AveragesEdges) {
  // An edge in the middle of a pixel of the result.
  at::Tensor image = render_svg(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h3.5v8h-3.5z"/></svg>)", 8);
  EXPECT_NEAR(image[3][4][3].item<float>(), 0.5f, 0.01f);
}

TEST(RenderSvg, RefusesWhatIsNotSvg) {
  EXPECT_THROW(render_svg("not an image", 8), Error);
  EXPECT_THROW(render_svg("<svg", 8), Error);
}

}  // namespace
}  // namespace ziplora::mini
