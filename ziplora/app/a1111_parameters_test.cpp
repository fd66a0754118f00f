#include "ziplora/app/a1111_parameters.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

TEST(A1111Parameters, BecomeOptionsOfGenerate) {
  const nlohmann::json settings = settings_of_parameters(
      "a cat: sitting,\non a mat <lora:ink:0.8> <lora:my dog:1:0.5>\nNegative prompt: blur,\nnoise\n"
      "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 4294967296, Size: 512x768, Model: sdxl, "
      "Lora hashes: \"ink: 12, my dog: 34\", Version: v1.9.4");
  EXPECT_EQ(settings, nlohmann::json::parse(R"({
      "prompt": ["a cat: sitting,\non a mat"], "negative_prompt": "blur,\nnoise", "adapter": ["ink.safetensors:0.8",
      "my dog.safetensors:1"], "steps": 20, "scheduler": "dpm++-2m", "karras": true, "guidance_scale": 7.5,
      "seed": 4294967296, "width": 512, "height": 768})"));
}

TEST(A1111Parameters, WhatZiploraLacksIsLeftOut) {
  const nlohmann::json settings =
      settings_of_parameters("a cat\nSteps: 9, Sampler: UniPC, CFG scale: x, Seed: -1");
  EXPECT_EQ(settings, nlohmann::json::parse(R"({"prompt": ["a cat"], "steps": 9})"));
}

TEST(A1111Parameters, TextWithoutSettingsIsNone) {
  EXPECT_TRUE(settings_of_parameters("").is_null());
  EXPECT_TRUE(settings_of_parameters("a cat, Steps: 20").is_null());
  EXPECT_EQ(settings_of_parameters("Negative prompt: b\nSteps: 1, Seed: 2, Size: 3").at("negative_prompt"),
            "b");
  EXPECT_FALSE(settings_of_parameters("a <lora:\nSteps: 1, Seed: 2, Model: \"a").is_null());
}

}  // namespace
}  // namespace ziplora
