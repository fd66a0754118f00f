#include "ziplora/merge/recipe.h"

#include <fmt/format.h>

#include <algorithm>

#include "ziplora/base/error.h"

namespace ziplora {

std::vector<std::filesystem::path> Recipe::files() const {
  std::vector<std::filesystem::path> result;
  for (const RecipeStep& step : steps)
    for (const RecipeInput& input : step.inputs)
      if (!input.step && std::find(result.begin(), result.end(), input.file) == result.end())
        result.push_back(input.file);
  return result;
}

nlohmann::json Recipe::to_json() const {
  nlohmann::json list = nlohmann::json::array();
  for (const RecipeStep& step : steps) {
    nlohmann::json inputs = nlohmann::json::array();
    for (const RecipeInput& input : step.inputs) {
      nlohmann::json one{{"role", name_of(input.role)}, {"weight", input.strength}};
      if (input.step)
        one["step"] = steps[*input.step].name;
      else
        one["file"] = input.file.string();
      inputs.push_back(std::move(one));
    }
    list.push_back({{"name", step.name},
                    {"method", step.method->name},
                    {"options", step.options},
                    {"inputs", std::move(inputs)}});
  }
  return {{"steps", std::move(list)}};
}

MergeResult run_recipe(const Recipe& recipe, const std::map<std::filesystem::path, const Adapter*>& adapters,
                       MergeContext& context) {
  std::vector<Adapter> made;
  made.reserve(recipe.steps.size());  // inputs point into it
  std::vector<StepReport> reports;
  MergeResult result;
  bool mixes_ranks = false;
  for (size_t i = 0; i < recipe.steps.size(); ++i) {
    const RecipeStep& step = recipe.steps[i];
    std::vector<MergeInput> inputs;
    for (const RecipeInput& input : step.inputs)
      inputs.push_back({.adapter = input.step ? &made[*input.step] : adapters.at(input.file),
                        .role = input.role,
                        .strength = input.strength});
    MergeContext own = context;
    if (i + 1 < recipe.steps.size()) own.store = {};  // an intermediate result keeps its precision
    if (context.progress)
      context.progress->note(
          fmt::format("step {} of {}: {} ({})", i + 1, recipe.steps.size(), step.name, step.method->name));
    result = step.method->run(inputs, step.options, own);
    mixes_ranks = mixes_ranks || result.mixes_ranks;
    reports.push_back({step.name, step.method->name, result.report});
    if (i + 1 == recipe.steps.size()) break;
    made.push_back(std::move(result.adapter));
    made.back().source = step.name;  // how messages name it
  }
  result.mixes_ranks = mixes_ranks || recipe.steps.size() > 1;
  result.report.steps = std::move(reports);
  return result;
}

}  // namespace ziplora
