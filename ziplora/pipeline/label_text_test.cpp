#include "ziplora/pipeline/label_text.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace ziplora {
namespace {

constexpr int64_t kPixels = 18;

at::Tensor white_page(int64_t height = 30, int64_t width = 240) {
  return at::full({height, width}, 255, at::kByte);
}

at::Tensor drawn(const std::string& text, int64_t left = 0) {
  at::Tensor page = white_page();
  LabelFont(kPixels).draw(page, text, left, kPixels);
  return page;
}

bool is_blank(const at::Tensor& page) { return page.eq(255).all().item<bool>(); }

TEST(LabelFont, WidthAddsUpExceptForKerning) {
  const LabelFont font(kPixels);
  EXPECT_EQ(font.width(""), 0);
  EXPECT_GT(font.width("m"), font.width("i"));
  EXPECT_EQ(font.width("nnnn"), 4 * font.width("n"));
  EXPECT_LT(font.width("AV"), font.width("A") + font.width("V"));
  EXPECT_GT(LabelFont(2 * kPixels).width("nnnn"), font.width("nnnn"));
}

TEST(LabelFont, WrapsBetweenWords) {
  const LabelFont font(kPixels);
  const int64_t width = font.width("a ghost at");
  EXPECT_EQ(font.wrap("a ghost at night", width), (std::vector<std::string>{"a ghost at", "night"}));
  EXPECT_EQ(font.wrap("a ghost at night", 10 * width), std::vector<std::string>{"a ghost at night"});
  EXPECT_EQ(font.wrap("", width), std::vector<std::string>{""});
}

TEST(LabelFont, BreaksAWordThatIsWiderThanALineBetweenCharacters) {
  const LabelFont font(kPixels);
  const std::string word = "Größenwahnsinnigüberall東京東京";
  const int64_t width = font.width("Größen");
  std::string joined;
  const std::vector<std::string> lines = font.wrap(word, width);
  for (const std::string& line : lines) {
    EXPECT_LE(font.width(line), width) << line;
    joined += line;
  }
  EXPECT_EQ(joined, word);
  EXPECT_EQ(lines.front(), "Größen");
}

TEST(LabelFont, ALineTakesAtLeastOneCharacter) {
  EXPECT_EQ(LabelFont(kPixels).wrap("abc", 1), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(LabelFont, DrawsGreyEdgesInsideTheMeasuredWidth) {
  const at::Tensor page = drawn("ghost");
  const int64_t width = LabelFont(kPixels).width("ghost");
  EXPECT_FALSE(is_blank(page.narrow(1, 0, width)));
  EXPECT_TRUE(is_blank(page.narrow(1, width, page.size(1) - width)));
  EXPECT_LT(page.min().item<int>(), 40) << "strokes are nearly black";
  EXPECT_GT((page.gt(40) & page.lt(215)).sum().item<int>(), 10) << "their edges are not";
}

TEST(LabelFont, ACharacterThatTheFontLacksIsDrawnAsABox) {
  const at::Tensor box = drawn("幽");
  EXPECT_FALSE(is_blank(box));
  EXPECT_TRUE(at::equal(box, drawn("霊"))) << "the same box for all of them";
  EXPECT_FALSE(at::equal(box, drawn("�")));
}

TEST(LabelFont, BytesThatAreNotUtf8AreReplacedAndTheRestIsDrawn) {
  const std::string broken = "ghost\xffnight", replaced = "ghost�night";
  EXPECT_TRUE(at::equal(drawn(broken), drawn(replaced)));
  EXPECT_EQ(LabelFont(kPixels).wrap(broken, 240), std::vector<std::string>{replaced});
}

TEST(LabelFont, WhatLiesBeyondThePageIsCutOff) {
  EXPECT_FALSE(is_blank(drawn("ghost", -5)));
  EXPECT_FALSE(is_blank(drawn("ghost", 230)));
  EXPECT_TRUE(is_blank(drawn("ghost", 1000)));
}

}  // namespace
}  // namespace ziplora
