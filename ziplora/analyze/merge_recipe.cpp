#include "ziplora/analyze/merge_recipe.h"

#include <utility>

#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::optional<std::string> text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? std::nullopt : std::optional(text_of(*found));
}

std::optional<double> number_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  const bool is_number = found != object.end() && found->is_number();
  return is_number ? std::optional(found->get<double>()) : std::nullopt;
}

std::optional<std::vector<std::string>> texts_at(const Json& object, const char* key) {
  const auto several = object.find(key);
  if (several == object.end() || !several->is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const Json& text : *several) texts.push_back(text_of(text));
  return texts;
}

std::optional<std::vector<std::string>> prompts_of(const Json& input) {
  if (auto several = texts_at(input, "prompts")) return several;
  const std::optional<std::string> one = text_at(input, "prompt");
  return one ? std::optional(std::vector{*one}) : std::nullopt;
}

std::optional<MergeRecipe::Overlap> overlap_of(const Json& recipe) {
  const auto result = recipe.find("result");
  if (result == recipe.end() || !result->is_object()) return std::nullopt;
  const auto overlap = result->find("overlap");
  if (overlap == result->end() || !overlap->is_object()) return std::nullopt;
  return MergeRecipe::Overlap{.before = number_at(*overlap, "before"),
                              .after = number_at(*overlap, "after"),
                              .mean_movement = number_at(*result, "mean_movement")};
}

}  // namespace

std::optional<MergeRecipe> parse_merge_recipe(std::string_view text) {
  std::optional<Json> json = parse_ordered_json(text);
  if (!json || !json->is_object()) return std::nullopt;
  MergeRecipe recipe{.method = text_at(*json, "method"),
                     .seed = text_at(*json, "seed"),
                     .inputs = {},
                     .joint_prompts = texts_at(*json, "joint_prompts"),
                     .overlap = overlap_of(*json),
                     .json = {}};
  if (const auto inputs = json->find("inputs"); inputs != json->end())
    for (const Json& input : *inputs)
      if (input.is_object())
        recipe.inputs.push_back({.role = text_at(input, "role"),
                                 .file = text_at(input, "file"),
                                 .sha256 = text_at(input, "sha256"),
                                 .strength = number_at(input, "weight"),
                                 .prompts = prompts_of(input)});
  recipe.json = std::move(*json);
  return recipe;
}

}  // namespace ziplora
