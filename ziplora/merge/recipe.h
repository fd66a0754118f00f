#pragma once
/// A composition of merge methods, as JSON: steps that take files and earlier steps, each with its method,
/// options, roles and strengths ("weight").
///
///     {"steps": [
///       {"name": "small", "method": "svd", "options": {"svd-rank": 16},
///        "inputs": [{"file": "dog.safetensors"}]},
///       {"name": "both", "method": "np", "options": {"mu": 1.0},
///        "inputs": [{"step": "small", "role": "subject"},
///                   {"file": "ink.safetensors", "role": "style", "weight": 0.8}]}]}
///
/// The last step is the result. An input may also be a step itself (with `method` and `inputs`), so a tree
/// needs no names; a single step needs no list. Everything is checked before any file is read: unknown keys,
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
  /// As written; empty for a step.
  std::filesystem::path file = {};
  /// Index of an earlier step.
  std::optional<size_t> step = {};
  Role role = Role::kAdapter;
  double strength = 1.0;
};

struct RecipeStep {
  /// A step without a name is called by its place, "steps[1]".
  std::string name;
  const MergeMethod* method = nullptr;
  /// Resolved.
  nlohmann::json options = {};
  std::vector<RecipeInput> inputs = {};
};

struct Recipe {
  /// Each stands after those it uses.
  std::vector<RecipeStep> steps;

  /// Every file that is used, once, in order of use.
  std::vector<std::filesystem::path> files() const;
  /// The whole recipe in the form that parse_recipe reads, with every default written out.
  nlohmann::json to_json() const;
};

/// @param where  opens the error messages: the recipe's file name
/// @throws Error(kUsage) that names the place: "recipe.json: steps[1].inputs[0]"
Recipe parse_recipe(const nlohmann::json& json, const std::string& where);

/// @param adapters  every file of the recipe, by the path written there
/// @return the last step's result; its report has the reports of all steps in `steps`
MergeResult run_recipe(const Recipe& recipe, const std::map<std::filesystem::path, const Adapter*>& adapters,
                       MergeContext& context);

}  // namespace ziplora
