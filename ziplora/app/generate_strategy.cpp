#include "ziplora/app/generate_strategy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ziplora/base/error.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {
namespace {

/// By file: its strength, which is the sum if it is named several times.
std::map<std::filesystem::path, AdapterChoice> worn_files(const AdapterSet& set) {
  std::map<std::filesystem::path, AdapterChoice> worn;
  for (const AdapterChoice& choice : set.adapters) {
    const auto [found, is_new] = worn.try_emplace(choice.file, choice);
    if (!is_new) found->second.strength += choice.strength;
  }
  std::erase_if(worn, [](const auto& file) { return file.second.strength == 0; });
  return worn;
}

void require_roles(const AdapterSet& set, const std::string& where) {
  const auto worn = worn_files(set);
  for (const Role role : {Role::kSubject, Role::kStyle}) {
    const auto has_role = [role](const auto& file) { return file.second.role == role; };
    if (std::ranges::any_of(worn, has_role)) continue;
    throw Error(
        ErrorKind::kUsage, where,
        fmt::format(
            "it tells subject and style apart, but none of the {} adapters that an image wears is the {}",
            worn.size(), name_of(role)),
        fmt::format("name the file of the {0} with --{0} FILE", name_of(role)));
  }
}

}  // namespace

bool steers(const GenerateRequest& request, const AdapterSet& set) {
  return find_strategy(request.strategy).make && worn_files(set).size() > 1;
}

void check_strategy(const GenerateRequest& request) {
  const StrategyEntry& entry = find_strategy(request.strategy);
  const std::string where = "generate: --strategy " + request.strategy;
  resolve_options(strategy_option_table(), request.strategy, request.strategy_options);
  if (!entry.make) return;

  bool used = false;
  for (const AdapterSet& set : request.adapter_sets) {
    if (!steers(request, set)) continue;
    if (entry.needs_roles) require_roles(set, where);
    used = true;
  }
  if (!used)
    throw Error(ErrorKind::kUsage, where,
                "it combines several adapters while an image is drawn, but no image wears more than one",
                "add another LoRA: --subject FILE, --style FILE or --adapter FILE");
  if (entry.needs_guidance && request.sampling.guidance_scale <= 1)
    throw Error(ErrorKind::kUsage, where,
                fmt::format("it changes the unconditional pass, and a guidance scale of {} has none",
                            request.sampling.guidance_scale),
                "raise --guidance-scale above 1");
}

}  // namespace ziplora
