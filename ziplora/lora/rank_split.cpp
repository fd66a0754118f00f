#include "ziplora/lora/rank_split.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <numeric>

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

constexpr const char* kKey = "ziplora.split";

int64_t sum(const std::vector<int64_t>& ranks) {
  return std::accumulate(ranks.begin(), ranks.end(), int64_t{0});
}

// Anybody can write metadata, so whatever is not a split is no error here.

std::optional<std::vector<Role>> parse_roles(const nlohmann::json& json) {
  if (!json.is_array()) return std::nullopt;
  std::vector<Role> roles;
  for (const nlohmann::json& name : json) {
    constexpr std::array kRoles = {Role::kSubject, Role::kStyle, Role::kAdapter};
    const auto role = std::ranges::find_if(kRoles, [&](Role known) { return name == name_of(known); });
    if (role == kRoles.end()) return std::nullopt;
    roles.push_back(*role);
  }
  return roles;
}

std::optional<std::vector<int64_t>> parse_ranks(const nlohmann::json& json, size_t roles) {
  if (!json.is_array() || json.size() != roles) return std::nullopt;
  std::vector<int64_t> ranks;
  for (const auto& rank : json) {
    if (!rank.is_number_unsigned() || rank > 1 << 20) return std::nullopt;
    ranks.push_back(rank.get<int64_t>());
  }
  return ranks;
}

std::optional<RankSplit> parse(const StringMap& metadata) {
  const auto found = metadata.find(kKey);
  const auto json = found == metadata.end() ? std::nullopt : parse_json(found->second);
  if (!json || !json->is_object() || !json->contains("roles") || !json->contains("ranks"))
    return std::nullopt;
  const auto roles = parse_roles(json->at("roles"));
  if (!roles) return std::nullopt;
  const auto ranks = parse_ranks(json->at("ranks"), roles->size());
  if (!ranks) return std::nullopt;
  RankSplit split{.roles = *roles, .ranks = *ranks};
  const nlohmann::json others = json->value("other_ranks", nlohmann::json::object());
  if (!others.is_object()) return std::nullopt;
  for (const auto& [target, value] : others.items()) {
    const auto other = parse_ranks(value, split.roles.size());
    if (!other) return std::nullopt;
    split.other_ranks[target] = *other;
  }
  return split;
}

}  // namespace

const std::vector<int64_t>& RankSplit::of(const std::string& target) const {
  const auto other = other_ranks.find(target);
  return other == other_ranks.end() ? ranks : other->second;
}

std::optional<RankSplit> split_of(const std::vector<Role>& roles, const std::vector<const Adapter*>& inputs,
                                  const Adapter& merged) {
  RankSplit split{.roles = roles, .ranks = {}};
  std::map<std::vector<int64_t>, int64_t> layers_by_ranks;
  for (const auto& [target, layer] : merged.layers) {
    std::vector<int64_t> ranks;
    for (const Adapter* input : inputs) {
      const auto own = input->layers.find(target);
      ranks.push_back(own == input->layers.end() ? 0 : own->second.rank());
    }
    if (sum(ranks) != layer.rank()) return std::nullopt;
    ++layers_by_ranks[ranks];
    split.other_ranks[target] = std::move(ranks);
  }
  if (layers_by_ranks.empty()) return std::nullopt;
  split.ranks =
      std::ranges::max_element(layers_by_ranks, {}, [](const auto& entry) { return entry.second; })->first;
  std::erase_if(split.other_ranks, [&](const auto& entry) { return entry.second == split.ranks; });
  return split;
}

std::string to_metadata(const RankSplit& split) {
  nlohmann::json json = {{"ranks", split.ranks}};
  for (const Role role : split.roles) json["roles"].push_back(name_of(role));
  if (!split.other_ranks.empty()) json["other_ranks"] = split.other_ranks;
  return json_line(json);
}

bool tells_split(const Adapter& adapter) { return parse(adapter.metadata).has_value(); }

void scale_role(Adapter& adapter, Role role, double strength, const std::string& where) {
  const std::optional<RankSplit> split = parse(adapter.metadata);
  if (!split)
    throw Error(
        ErrorKind::kIncompatible, where,
        fmt::format("the file does not record which of its ranks are the {}'s", name_of(role)),
        "merge the inputs again with ziplora, without compression, or use the inputs themselves, each with a "
        "strength of its own");
  for (auto& [target, layer] : adapter.layers) {
    const std::vector<int64_t>& ranks = split->of(target);
    if (layer.rank() != sum(ranks)) {
      // A layer without effect is a placeholder for narrow loaders, which look for a layer of this name.
      if (!layer.up.any().item<bool>()) continue;
      throw Error(ErrorKind::kIncompatible, where,
                  fmt::format("{} has rank {}, the recorded split has {}", target, layer.rank(), sum(ranks)),
                  "the file was changed after ziplora merged it: merge again, or leave this strength at 1");
    }
    layer.up = layer.up.clone();
    int64_t first = 0;
    for (size_t i = 0; i < ranks.size(); ++i) {
      if (split->roles[i] == role) layer.up.narrow(1, first, ranks[i]).mul_(strength);
      first += ranks[i];
    }
  }
}

}  // namespace ziplora
