#include "ziplora/io/image_formats.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

TEST(ImageFormats, AFormatThatTheBuildLeftOutNamesThePackage) {
  const ImageFormat format{"JPEG", {".jpg"}, nullptr, nullptr, "libjpeg-dev"};
  EXPECT_TRUE(can_be_read(format));  // so folders list it, and reading it is this error
  const Error error = unread_image(&format, "read dog.jpg");
  EXPECT_EQ(error.kind(), ErrorKind::kInput);
  EXPECT_EQ(error.where(), "read dog.jpg");
  EXPECT_EQ(error.problem(), "this is an image of type JPEG, which ziplora was built without");
  EXPECT_EQ(
      error.hint(),
      "install Debian's package libjpeg-dev and build again (make build does both), or convert the image to PNG");
}

TEST(ImageFormats, WhatNoBuildReadsIsToBeConverted) {
  const ImageFormat format{"SVG", {".svg"}, nullptr};
  EXPECT_FALSE(can_be_read(format));
  const Error error = unread_image(&format, "read dog.svg");
  EXPECT_EQ(error.problem(), "this is an image of type SVG");
  EXPECT_NE(error.hint().find("images are read from these files: PNG, "), std::string::npos);
  EXPECT_EQ(unread_image(nullptr, "read dog.txt").problem(), "this is not an image");
}

TEST(ImageFormats, NamesOnlyWhatThisBuildReads) {
  const ImageFormat* jpeg = image_format_named_by("dog.JPG");
  ASSERT_NE(jpeg, nullptr);
  EXPECT_TRUE(can_be_read(*jpeg));
  EXPECT_EQ(jpeg->decode != nullptr, image_formats_that_are_read().find("JPEG") != std::string::npos);
  EXPECT_EQ(image_formats_that_are_read().find("SVG"), std::string::npos);
}

}  // namespace
}  // namespace ziplora
