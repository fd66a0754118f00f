// From JSON to Recipe: depth first, so that a step stands after those it uses. Every error names its place.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/merge/recipe.h"

namespace ziplora {
namespace {

constexpr const char* kExample = R"({"method": "direct", "inputs": [{"file": "dog.safetensors"}, )"
                                 R"({"file": "ink.safetensors", "weight": 0.8}]})";

class RecipeParser {
 public:
  explicit RecipeParser(std::string where) : where_(std::move(where)) {}

  Recipe parse(const nlohmann::json& json) {
    require_object(json, "");
    if (json.contains("steps")) {
      require_known_keys(json, "", {"steps"});
      const nlohmann::json& steps = json["steps"];
      if (!steps.is_array() || steps.empty())
        refuse("steps", "a list of at least one step is expected", kExample);
      for (size_t i = 0; i < steps.size(); ++i) parse_step(steps[i], fmt::format("steps[{}]", i));
    } else {
      parse_step(json, "");
    }
    refuse_unused();
    return std::move(recipe_);
  }

 private:
  [[noreturn]] void refuse(const std::string& place, const std::string& problem,
                           const std::string& hint) const {
    throw Error(ErrorKind::kUsage, at(place), problem, hint);
  }
  std::string at(const std::string& place) const { return place.empty() ? where_ : where_ + ": " + place; }
  static std::string inside(const std::string& place, const std::string& key) {
    return place.empty() ? key : place + "." + key;
  }

  void require_object(const nlohmann::json& json, const std::string& place) const {
    if (!json.is_object())
      refuse(place, "found " + std::string(json.type_name()) + ", expected an object", kExample);
  }

  void require_known_keys(const nlohmann::json& json, const std::string& place,
                          const std::vector<std::string>& known) const {
    for (const auto& [key, value] : json.items())
      if (std::find(known.begin(), known.end(), key) == known.end())
        throw unknown_name(at(place), key, known);
  }

  std::string text(const nlohmann::json& json, const std::string& key, const std::string& place) const {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_string() || found->get<std::string>().empty())
      refuse(inside(place, key),
             found == json.end() ? "is missing" : "found " + found->dump() + ", expected a string", kExample);
    return found->get<std::string>();
  }

  size_t parse_step(const nlohmann::json& json, const std::string& place, bool as_input = false) {
    require_object(json, place);
    std::vector<std::string> keys{"name", "method", "options", "inputs"};
    if (as_input) keys.insert(keys.end(), {"role", "weight"});
    require_known_keys(json, place, keys);

    RecipeStep step{.name = json.contains("name") ? text(json, "name", place)
                            : place.empty()       ? "merge"
                                                  : place};
    if (!names_.insert(step.name).second)
      refuse(inside(place, "name"), fmt::format("'{}' names two steps", step.name),
             "give each step a name of its own");
    step.method = &method_of(json, place);
    step.options = options_of(json, *step.method, inside(place, "options"));
    const auto inputs = json.find("inputs");
    if (inputs == json.end() || !inputs->is_array() || inputs->empty())
      refuse(inside(place, "inputs"), "a list of at least one input is expected", kExample);
    for (size_t i = 0; i < inputs->size(); ++i)
      step.inputs.push_back(parse_input((*inputs)[i], fmt::format("{}[{}]", inside(place, "inputs"), i)));
    recipe_.steps.push_back(std::move(step));
    return recipe_.steps.size() - 1;
  }

  nlohmann::json options_of(const nlohmann::json& step, const MergeMethod& method,
                            const std::string& place) const {
    const nlohmann::json given = step.value("options", nlohmann::json::object());
    if (!given.is_object())
      refuse(place, "an object of option names and values is expected", R"("options": {"density": 0.2})");
    try {
      return resolve_options(method, given);
    } catch (const Error& error) {
      refuse(place, fmt::format("{}: {}", error.where(), error.problem()), error.hint());
    }
  }

  const MergeMethod& method_of(const nlohmann::json& json, const std::string& place) const {
    const std::string name = text(json, "method", place);
    std::vector<std::string> known;
    for (const MergeMethod& method : merge_methods()) {
      if (!method.needs_base && name == method.name) return method;
      if (!method.needs_base) known.push_back(method.name);
      if (method.needs_base && name == method.name)
        refuse(inside(place, "method"), fmt::format("'{}' learns on a base, and a recipe has none", name),
               fmt::format("run 'ziplora merge --method {}' first and give its file here", name));
    }
    throw unknown_name(at(inside(place, "method")), name, known);
  }

  RecipeInput parse_input(const nlohmann::json& json, const std::string& place) {
    require_object(json, place);
    RecipeInput input;
    if (json.contains("method")) {
      input.step = parse_step(json, place, /*as_input=*/true);
      used_.insert(*input.step);
    } else {
      require_known_keys(json, place,
                         {"file", "step", "role", "weight", "method", "inputs", "options", "name"});
      if (json.contains("file") == json.contains("step"))
        refuse(place, "an input is one of: a file, a step, or a method with inputs of its own", kExample);
      if (json.contains("file"))
        input.file = text(json, "file", place);
      else
        input.step = earlier_step(text(json, "step", place), inside(place, "step"));
    }
    if (json.contains("role")) input.role = parse_role(text(json, "role", place), at(inside(place, "role")));
    if (json.contains("weight")) {
      const std::string place_of_weight = inside(place, "weight");
      if (!json["weight"].is_number())
        refuse(place_of_weight, "found " + json["weight"].dump() + ", expected a number", R"("weight": 0.8)");
      input.strength = json["weight"];
      if (!std::isfinite(input.strength))
        refuse(place_of_weight, "the number is not finite", R"("weight": 0.8)");
    }
    return input;
  }

  size_t earlier_step(const std::string& name, const std::string& place) {
    std::vector<std::string> known;
    for (size_t i = 0; i < recipe_.steps.size(); ++i) {
      if (recipe_.steps[i].name == name) return used_.insert(i), i;
      known.push_back(recipe_.steps[i].name);
    }
    if (known.empty())
      refuse(place, fmt::format("there is no step '{}' before this one", name),
             "a step takes files and the steps above it");
    throw unknown_name(at(place), name, known);
  }

  /// The last step is the result; any other step that nothing uses is a mistake.
  void refuse_unused() const {
    for (size_t i = 0; i + 1 < recipe_.steps.size(); ++i)
      if (!used_.count(i))
        refuse(
            "",
            fmt::format("nothing uses the step '{}'; the result is the last step, '{}'",
                        recipe_.steps[i].name, recipe_.steps.back().name),
            fmt::format(R"(take it as an input: {{"step": "{}"}}, or leave it out)", recipe_.steps[i].name));
  }

  const std::string where_;
  Recipe recipe_;
  std::set<size_t> used_;
  /// Of all steps begun, which stand in recipe_ only after their inputs.
  std::set<std::string> names_;
};

}  // namespace

Recipe parse_recipe(const nlohmann::json& json, const std::string& where) {
  return RecipeParser(where).parse(json);
}

}  // namespace ziplora
