#include "ziplora/evaluate/image_preprocessing.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

using nlohmann::json;

at::Tensor grey(int64_t height, int64_t width) { return at::full({1, 3, height, width}, 128, at::kByte); }

TEST(ImagePreprocessing, OldAndNewConfigsOfClipAreOne) {
  const json old_form = {
      {"feature_extractor_type", "CLIPFeatureExtractor"}, {"size", 224}, {"crop_size", 224}};
  const json new_form = {{"image_processor_type", "CLIPImageProcessorFast"},
                         {"size", {{"shortest_edge", 224}}},
                         {"crop_size", {{"height", 224}, {"width", 224}}},
                         {"do_convert_rgb", true},
                         {"data_format", "channels_first"},
                         {"pad_size", nullptr}};
  for (const json& config : {old_form, new_form, json::object()}) {
    const ImagePreprocessing preprocessing = image_preprocessing(config, ImageProcessor::kClip);
    EXPECT_EQ(preprocessing.text(), "224 px, bicubic");
    EXPECT_EQ(preprocessing.shortest_edge, 224);
    EXPECT_FLOAT_EQ(preprocessing.mean[0], 0.48145466f);
  }
}

TEST(ImagePreprocessing, OneNumberIsASquareForVitAndTheShortestEdgeForBit) {
  const json config = {{"size", 256}};
  EXPECT_EQ(image_preprocessing(config, ImageProcessor::kVit).text(), "256 px, bilinear");
  EXPECT_EQ(image_preprocessing(config, ImageProcessor::kBit).text(), "224 of 256 px, bicubic");
  const json square = {{"size", 256}, {"default_to_square", true}, {"do_center_crop", false}};
  EXPECT_EQ(image_preprocessing(square, ImageProcessor::kBit).text(), "256 px, bicubic");
}

TEST(ImagePreprocessing, UprightAndWideImagesAreResizedByTheirShortestEdgeThenCropped) {
  const json config = {{"size", {{"shortest_edge", 8}}}, {"crop_size", {{"height", 6}, {"width", 8}}}};
  const ImagePreprocessing preprocessing = image_preprocessing(config, ImageProcessor::kClip);
  EXPECT_EQ(preprocessing.text(), "8 × 6 of 8 px, bicubic");
  EXPECT_EQ(preprocessing.pixel_values(grey(100, 67)).sizes(), (std::vector<int64_t>{1, 3, 6, 8}));
  EXPECT_EQ(preprocessing.pixel_values(grey(67, 100)).sizes(), (std::vector<int64_t>{1, 3, 6, 8}));
}

TEST(ImagePreprocessing, PixelsAreScaledThenNormalised) {
  const json config = {{"size", {{"height", 4}, {"width", 4}}},
                       {"do_rescale", false},
                       {"image_mean", {28, 0, 128}},
                       {"image_std", {50, 64, 1}}};
  const at::Tensor pixels = image_preprocessing(config, ImageProcessor::kVit).pixel_values(grey(9, 5));
  EXPECT_TRUE(at::equal(pixels.select(3, 1).select(2, 2).view({3}), at::tensor({2.f, 2.f, 0.f})));
}

TEST(ImagePreprocessing, FloatsAreRoundedToTheBytesOfAFile) {
  const at::Tensor floats = at::tensor({0.0f, 0.4f / 255, 0.6f / 255, 1.0f, 1.5f, -1.0f});
  EXPECT_TRUE(at::equal(image_bytes(floats), at::tensor({0, 0, 1, 255, 255, 0}).to(at::kByte)));
}

/// The error's text, problem and hint.
std::string refusal(const json& config) {
  try {
    image_preprocessing(config, ImageProcessor::kClip);
  } catch (const Error& error) {
    return error.problem() + " | " + error.hint();
  }
  return "";
}

TEST(ImagePreprocessing, WhatItDoesNotKnowIsNamed) {
  EXPECT_NE(refusal({{"resample", 0}}).find("resample is 0"), std::string::npos);
  EXPECT_NE(refusal({{"do_flip_channel_order", true}}).find("do_flip_channel_order"), std::string::npos);
  EXPECT_NE(refusal({{"image_processor_type", "SiglipImageProcessor"}}).find("SiglipImageProcessor"),
            std::string::npos);
  EXPECT_NE(refusal({{"size", {{"longest_edge", 224}}}}).find("height"), std::string::npos);
  EXPECT_NE(refusal({{"crop_size", 225}}).find("crop_size is 225"), std::string::npos);
  EXPECT_NE(refusal({{"do_center_crop", false}}).find("do_center_crop"), std::string::npos);
  EXPECT_NE(refusal({{"image_mean", {0.5}}}).find("three numbers"), std::string::npos);
  EXPECT_NE(refusal({{"image_std", {0.5, 0.0, 0.5}}}).find("above 0"), std::string::npos);
  EXPECT_NE(refusal({{"size", 5000}}).find("at most 4096 pixels"), std::string::npos);
  EXPECT_NE(refusal({{"size", "large"}}).find("download the image encoder's folder again"),
            std::string::npos);
}

TEST(ImagePreprocessing, ImagesTooSmallToCropAreRefused) {
  const json config = {{"do_resize", false}, {"crop_size", 16}};
  const ImagePreprocessing preprocessing = image_preprocessing(config, ImageProcessor::kClip);
  EXPECT_EQ(preprocessing.text(), "16 px, not resized");
  EXPECT_EQ(preprocessing.pixel_values(grey(16, 20)).size(3), 16);
  try {
    preprocessing.pixel_values(grey(15, 20));
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.problem(), "an image of 20 × 15 pixels (width × height) holds no 16 × 16");
  }
}

}  // namespace
}  // namespace ziplora
