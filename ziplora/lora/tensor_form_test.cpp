#include "ziplora/lora/tensor_form.h"

#include <gtest/gtest.h>

#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

const TargetName& layer() {
  return *TargetNames::sdxl().find("unet.down_blocks.1.attentions.0.proj_in");  // [640, 640]
}

std::string problem(const char* part, const char* dtype, std::vector<int64_t> shape) {
  return problem_of_form(part, layer(), {dtype, std::move(shape), 0, 0});
}

TEST(TensorForm, WhatFilesHoldIsFine) {
  for (const char* dtype : {"F16", "BF16", "F32", "F64", "F8_E4M3", "F8_E5M2"}) {
    EXPECT_EQ(problem("down", dtype, {4, 640}), "");
    EXPECT_EQ(problem("up", dtype, {640, 4, 1, 1}), "");
  }
  for (const char* dtype : {"F16", "F32", "F64", "I64", "U8"}) {
    EXPECT_EQ(problem(kAlphaPart, dtype, {}), "");
    EXPECT_EQ(problem(kAlphaPart, dtype, {1}), "");
  }
  EXPECT_EQ(problem("down", "F16", {2000, 640}), "");
  EXPECT_EQ(problem("on_input", "BOOL", {}), "");
  EXPECT_EQ(problem("dora_scale", "F32", {640}), "");
}

TEST(TensorForm, SaysWhatIsWrong) {
  const auto expect = [](const std::string& problem, const char* words) {
    EXPECT_NE(problem.find(words), std::string::npos) << problem;
  };
  expect(problem("down", "C64", {4, 640}), "complex (C64)");
  expect(problem(kAlphaPart, "C64", {}), "complex (C64)");
  expect(problem("down", "I8", {4, 640}), "whole numbers (I8)");
  expect(problem("down", "BOOL", {4, 640}), "whole numbers (BOOL)");
  expect(problem("down", "F16", {640}), "is [640], a LoRA factor has 2 or 4");
  expect(problem("down", "F16", std::vector<int64_t>(70, 1)), "2 or 4");
  expect(problem(kAlphaPart, "F16", {2}), "is [2], an alpha is one number");
  expect(problem(kAlphaPart, "F16", {0}), "an alpha is one number");
  expect(problem("down", "F32", {int64_t{1} << 40, 640}), "much larger than its layer's weight [640, 640]");
}

}  // namespace
}  // namespace ziplora
