#include "ziplora/merge/recipe.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

using nlohmann::json;

std::string refusal(const std::string& text) {
  try {
    parse_recipe(json::parse(text), "recipe.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.where() + " | " + error.problem() + " | " + error.hint();
  }
  return "";
}

Adapter adapter(uint64_t seed) {
  at::Generator generator = make_generator(seed);
  Adapter result;
  result.layers["unet.q"] = {at::randn({2, 6}, generator), at::randn({4, 2}, generator), {}};
  return result;
}

at::Tensor delta(const Adapter& merged) {
  const LoraLayer& layer = merged.layers.at("unet.q");
  return layer.up.mm(layer.down) * layer.scale();
}

const char* kSteps = R"({"steps": [
  {"name": "a", "method": "svd", "options": {"svd-rank": 1}, "inputs": [{"file": "x", "weight": 2}]},
  {"name": "b", "method": "direct", "inputs": [{"step": "a", "role": "subject"}, {"file": "y", "role": "style"}]}]})";
const char* kTree = R"({"method": "direct", "inputs": [
  {"method": "svd", "options": {"svd-rank": 1}, "inputs": [{"file": "x", "weight": 2}], "role": "subject"},
  {"file": "y", "role": "style"}]})";

TEST(Recipe, StepsAndTreesSayTheSame) {
  const Adapter x = adapter(1), y = adapter(2);
  MergeContext context;
  std::vector<at::Tensor> results;
  for (const char* text : {kSteps, kTree}) {
    const Recipe recipe = parse_recipe(json::parse(text), "recipe.json");
    EXPECT_EQ(recipe.files(), (std::vector<std::filesystem::path>{"x", "y"}));
    const MergeResult result = run_recipe(recipe, {{"x", &x}, {"y", &y}}, context);
    EXPECT_EQ(result.report.steps.size(), 2);
    EXPECT_EQ(result.adapter.layers.at("unet.q").rank(), 3);
    results.push_back(delta(result.adapter));
  }
  EXPECT_TRUE(results[0].equal(results[1]));
}

TEST(Recipe, WhatItWritesItReads) {
  const Recipe recipe = parse_recipe(json::parse(kSteps), "recipe.json");
  const json written = recipe.to_json();
  EXPECT_EQ(parse_recipe(written, "again").to_json(), written);
  EXPECT_EQ(written["steps"][0]["options"]["energy"], 1.0);
}

TEST(Recipe, OnlyTheLastStepIsStored) {
  const Adapter x = adapter(1), y = adapter(2);
  int stored = 0;
  MergeContext context;
  context.store = [&](const std::string&, const LoraLayer& layer) { return ++stored, layer; };
  run_recipe(parse_recipe(json::parse(kSteps), "recipe.json"), {{"x", &x}, {"y", &y}}, context);
  EXPECT_EQ(stored, 1);
}

TEST(Recipe, SlipsAreNamedWithTheirPlace) {
  const auto has = [](const std::string& text, const std::string& place, const std::string& words) {
    const std::string found = refusal(text);
    EXPECT_NE(found.find(place), std::string::npos) << found;
    EXPECT_NE(found.find(words), std::string::npos) << found;
  };
  has("[]", "recipe.json", "expected an object");
  has(R"({"steps": []})", "recipe.json: steps", "at least one step");
  has(R"({"steps": [], "step": 1})", "recipe.json", "did you mean 'steps'?");
  has(R"({"inputs": [{"file": "x"}]})", "method", "is missing");
  has(R"({"method": "tise", "inputs": [{"file": "x"}]})", "recipe.json: method", "did you mean 'ties'?");
  has(R"({"method": "zip", "inputs": [{"file": "x"}]})", "method", "learns on a base");
  has(R"({"method": "ties", "inputs": []})", "inputs", "at least one input");
  has(R"({"method": "ties", "inputs": [{"fiel": "x"}]})", "inputs[0]", "did you mean 'file'?");
  has(R"({"method": "ties", "inputs": [{}]})", "inputs[0]", "an input is one of");
  has(R"({"method": "ties", "inputs": [{"file": "x", "step": "y"}]})", "inputs[0]", "an input is one of");
  has(R"({"method": "ties", "inputs": [{"file": "x", "role": "styel"}]})", "role", "did you mean 'style'?");
  has(R"({"method": "ties", "inputs": [{"file": "x", "weight": "much"}]})", "inputs[0].weight",
      "expected a number");
  has(R"({"method": "ties", "options": {"densty": 1}, "inputs": [{"file": "x"}]})", "options",
      "did you mean 'density'?");
  has(R"({"method": "ties", "options": {"density": -1}, "inputs": [{"file": "x"}]})", "options", "too small");
  has(R"({"steps": [{"name": "a", "method": "direct", "inputs": [{"file": "x"}]},
                    {"name": "b", "method": "direct", "inputs": [{"step": "aa"}]}]})",
      "steps[1].inputs[0].step", "did you mean 'a'?");
  has(R"({"steps": [{"name": "a", "method": "direct", "inputs": [{"step": "b"}]},
                    {"name": "b", "method": "direct", "inputs": [{"file": "x"}]}]})",
      "steps[0].inputs[0].step", "no step 'b' before this one");
  has(R"({"steps": [{"name": "a", "method": "direct", "inputs": [{"file": "x"}]},
                    {"name": "a", "method": "direct", "inputs": [{"step": "a"}]}]})",
      "steps[1].name", "names two steps");
  has(R"({"name": "a", "method": "direct", "inputs": [
          {"name": "a", "method": "svd", "inputs": [{"file": "x"}]}]})",
      "recipe.json: inputs[0].name", "'a' names two steps");
  has(R"({"steps": [{"name": "a", "method": "direct", "inputs": [{"file": "x"}]},
                    {"name": "b", "method": "direct", "inputs": [{"file": "y"}]}]})",
      "recipe.json", "nothing uses the step 'a'");
}

}  // namespace
}  // namespace ziplora
