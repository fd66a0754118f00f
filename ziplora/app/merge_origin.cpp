#include "ziplora/app/merge_origin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "ziplora/analyze/merge_recipe.h"
#include "ziplora/lora/trigger_words.h"

namespace ziplora {
namespace {

MergeInput input_of(const Adapter& adapter, const std::string& sha256) {
  MergeInput input{.adapter = &adapter, .sha256 = sha256};
  if (const auto words = trigger_words(adapter.metadata); !words.empty()) input.prompts = {words.front()};
  return input;
}

std::optional<Role> role_of(const std::optional<std::string>& name) {
  for (const Role role : {Role::kSubject, Role::kStyle, Role::kAdapter})
    if (name == name_of(role)) return role;
  return std::nullopt;
}

/// @return nothing if the recipe's inputs are not these files, each once
std::optional<MergeOrigin> recorded_origin(const MergeRecipe& recipe, const std::vector<Adapter>& adapters,
                                           const std::vector<std::string>& sha256) {
  if (recipe.inputs.size() != adapters.size()) return std::nullopt;
  MergeOrigin origin;
  for (const MergeRecipe::Input& recorded : recipe.inputs) {
    const auto found = std::ranges::find_if(sha256, [&](const std::string& own) {
      const auto index = static_cast<size_t>(&own - sha256.data());
      return recorded.sha256 == own && std::ranges::find(origin.files, index) == origin.files.end();
    });
    const std::optional<Role> role = role_of(recorded.role);
    if (found == sha256.end() || !role || !recorded.strength) return std::nullopt;
    const auto index = static_cast<size_t>(found - sha256.begin());
    MergeInput input = input_of(adapters[index], *found);
    input.role = *role;
    input.strength = *recorded.strength;
    if (recorded.prompts && !recorded.prompts->empty()) input.prompts = *recorded.prompts;
    origin.inputs.push_back(std::move(input));
    origin.files.push_back(index);
  }
  origin.joint_prompts = recipe.joint_prompts.value_or(std::vector<std::string>());
  return origin;
}

}  // namespace

MergeOrigin origin_of(const Adapter& merged, const std::vector<Adapter>& adapters,
                      const std::vector<std::string>& sha256, ProgressSink& progress) {
  if (const auto found = merged.metadata.find("ziplora.recipe"); found != merged.metadata.end())
    if (const auto recipe = parse_merge_recipe(found->second))
      if (auto origin = recorded_origin(*recipe, adapters, sha256)) return std::move(*origin);
  progress.note(fmt::format(
      "{} does not say that it was made of these files; they are taken in their order, at strength 1",
      merged.source.filename().string()));
  MergeOrigin origin;
  constexpr std::array kRoles = {Role::kSubject, Role::kStyle};
  for (size_t k = 0; k < adapters.size(); ++k) {
    origin.inputs.push_back(input_of(adapters[k], sha256[k]));
    origin.inputs.back().role = k < kRoles.size() ? kRoles[k] : Role::kAdapter;
    origin.files.push_back(k);
  }
  return origin;
}

}  // namespace ziplora
