#include "ziplora/analyze/merge_recipe.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

using Words = std::vector<std::string>;

TEST(MergeRecipe, WhatAMergeWritesIsReadWhole) {
  const auto recipe = parse_merge_recipe(R"({"method": "zip", "seed": 7,
      "inputs": [{"role": "style", "file": "ink.safetensors", "weight": 0.5,
                  "prompts": ["a", "b"], "sha256": "12ab"}],
      "joint_prompts": ["c", "d"],
      "result": {"overlap": {"before": 1.0, "after": 0.25}, "mean_movement": 0.125}})");
  ASSERT_TRUE(recipe.has_value());
  EXPECT_EQ(recipe->method, "zip");
  EXPECT_EQ(recipe->seed, "7");
  ASSERT_EQ(recipe->inputs.size(), 1u);
  const MergeRecipe::Input& style = recipe->inputs[0];
  EXPECT_EQ(style.role, "style");
  EXPECT_EQ(style.file, "ink.safetensors");
  EXPECT_EQ(style.sha256, "12ab");
  EXPECT_EQ(style.strength, 0.5);
  EXPECT_EQ(style.prompts, (Words{"a", "b"}));
  EXPECT_EQ(recipe->joint_prompts, (Words{"c", "d"}));
  ASSERT_TRUE(recipe->overlap.has_value());
  EXPECT_EQ(recipe->overlap->before, 1.0);
  EXPECT_EQ(recipe->overlap->after, 0.25);
  EXPECT_EQ(recipe->overlap->mean_movement, 0.125);
}

TEST(MergeRecipe, OnePromptOfEarlierVersions) {
  const auto recipe = parse_merge_recipe(R"({"inputs": [{"prompt": "a sks dog"}, {"prompts": []}, {}]})");
  ASSERT_EQ(recipe.value().inputs.size(), 3u);
  EXPECT_EQ(recipe->inputs[0].prompts, (Words{"a sks dog"}));
  EXPECT_EQ(recipe->inputs[1].prompts, Words{});
  EXPECT_FALSE(recipe->inputs[2].prompts.has_value());
}

TEST(MergeRecipe, ValuesOfOtherTypesAreKeptAsTextOrAbsent) {
  const auto recipe = parse_merge_recipe(R"({"method": {"a": [1]}, "seed": null,
      "inputs": [3, {"role": 5, "weight": "heavy", "prompts": ["a", {"b": 1}]}, null],
      "result": {"overlap": {"before": "much"}, "mean_movement": []}})");
  ASSERT_TRUE(recipe.has_value());
  EXPECT_EQ(recipe->method, R"({"a":[1]})");
  EXPECT_EQ(recipe->seed, "null");
  ASSERT_EQ(recipe->inputs.size(), 1u);
  EXPECT_EQ(recipe->inputs[0].role, "5");
  EXPECT_FALSE(recipe->inputs[0].strength.has_value());
  EXPECT_FALSE(recipe->inputs[0].file.has_value());
  EXPECT_EQ(recipe->inputs[0].prompts, (Words{"a", R"({"b":1})"}));
  ASSERT_TRUE(recipe->overlap.has_value());
  EXPECT_FALSE(recipe->overlap->before.has_value());
  EXPECT_FALSE(recipe->overlap->mean_movement.has_value());
}

TEST(MergeRecipe, AnythingElseInThePlacesOfListsAndObjects) {
  for (const char* text : {"{}", R"({"inputs": 5, "result": 5})", R"({"inputs": "x", "result": [1]})",
                           R"({"inputs": null, "result": {"overlap": 3}})"}) {
    const auto recipe = parse_merge_recipe(text);
    ASSERT_TRUE(recipe.has_value()) << text;
    EXPECT_TRUE(recipe->inputs.empty()) << text;
    EXPECT_FALSE(recipe->overlap.has_value()) << text;
  }
}

TEST(MergeRecipe, WhatIsNotAnObjectIsNoRecipe) {
  for (const std::string& text :
       {std::string(), std::string("not JSON"), std::string("[1]"), std::string("\"zip\""),
        std::string("{\"method\": \"\xff\"}"), std::string(100'000, '[')})
    EXPECT_FALSE(parse_merge_recipe(text).has_value()) << text.substr(0, 20);
}

TEST(MergeRecipe, TheWholeRecipeKeepsTheFilesOrder) {
  EXPECT_EQ(parse_merge_recipe(R"({"z": 1, "method": "zip", "a": 2})").value().json.dump(),
            R"({"z":1,"method":"zip","a":2})");
}

}  // namespace
}  // namespace ziplora
