#pragma once
/// A composition of merge methods, as JSON: steps that take files and earlier steps, each with method,
/// options, roles and weights.
///
///     {"steps": [
///       {"name": "small", "method": "svd", "options": {"svd-rank": 16}, "inputs": [{"file":
///       "dog.safetensors"}]},
///       {"name": "both", "method": "np", "options": {"mu": 1.0}, "inputs": [
///         {"step": "small", "role": "subject"},
///         {"file": "ink.safetensors", "role": "style", "weight": 0.8}]}]}
///
/// The last step is the result. An input may also be a step itself (with `method` and `inputs`), so a tree
/// needs no names; a lone step needs no list. Everything is checked before a file is read: unknown keys,
/// methods, options and steps (“did you mean”), steps that nothing uses, names given twice. Methods that
/// learn on a base are left out: their results are files, and files are inputs.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/merge/merge_method.h"

namespace ziplora {

struct RecipeInput {
  std::filesystem::path file;  ///< as written; empty for a step
  std::optional<size_t> step;  ///< index of an earlier step
  std::string role = "adapter";
  double weight = 1.0;
};

struct RecipeStep {
  std::string name;  ///< of steps without one: their place, "steps[1]"
  const MergeMethod* method;
  nlohmann::json options;  ///< resolved
  std::vector<RecipeInput> inputs;
};

struct Recipe {
  std::vector<RecipeStep> steps;  ///< each after those it uses
  /// Every file that is used, once, in order of use.
  std::vector<std::filesystem::path> files() const;
  /// All of it in the form that is read, with every default written out.
  nlohmann::json to_json() const;
};

/// @param where  of errors: the recipe's file name
/// @throws Error(kUsage) that names the place: "recipe.json: steps[1].inputs[0]"
Recipe parse_recipe(const nlohmann::json& json, const std::string& where);

/// @param adapters  every file of the recipe, by the path written there
/// @return the last step's adapter and report, with `steps`: every step's name, method and report
MergeResult run_recipe(const Recipe& recipe, const std::map<std::filesystem::path, const Adapter*>& adapters,
                       MergeContext& context);

}  // namespace ziplora
