#include "ziplora/app/generate_adapters.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "ziplora/app/base_weights.h"
#include "ziplora/base/error.h"

namespace ziplora {
namespace {

/// {"roles": ["subject", "style"], "ranks": [8, 8]}: anybody can write metadata.
bool is_split(const nlohmann::json& split) {
  auto holds = [&split](const char* name, bool (nlohmann::json::*is)() const noexcept) {
    return split.contains(name) && split[name].is_array() &&
           std::all_of(split[name].begin(), split[name].end(),
                       [is](const auto& value) { return (value.*is)(); });
  };
  return split.is_object() && holds("roles", &nlohmann::json::is_string) &&
         holds("ranks", &nlohmann::json::is_number_unsigned);
}

/// Weighs the columns of `up` that came from the style, where the file's metadata tells the split.
void apply_style_strength(Adapter& adapter, double strength) {
  const std::string where = "generate: --style-strength: " + adapter.source.string();
  const auto found = adapter.metadata.find("ziplora.split");
  const auto split =
      nlohmann::json::parse(found == adapter.metadata.end() ? "" : found->second, nullptr, false);
  if (!is_split(split))
    throw Error(ErrorKind::kIncompatible, where, "the file does not tell which of its ranks are the style's",
                "merge with 'ziplora merge' without --rank, or give --adapter FILE:scale for each input");
  const auto roles = split["roles"].get<std::vector<std::string>>();
  const auto ranks = split["ranks"].get<std::vector<int64_t>>();
  int64_t total = 0;
  for (const int64_t rank : ranks) total += rank;
  for (auto& [target, layer] : adapter.layers) {
    if (layer.rank() != total || ranks.size() != roles.size())
      throw Error(ErrorKind::kIncompatible, where,
                  fmt::format("{} has rank {}, the recorded split has {}", target, layer.rank(), total),
                  "the file was changed after ziplora merged it: merge again, or leave out --style-strength");
    layer.up = layer.up.clone();
    int64_t first = 0;
    for (size_t i = 0; i < ranks.size(); ++i) {
      if (roles[i] == "style") layer.up.narrow(1, first, ranks[i]).mul_(strength);
      first += ranks[i];
    }
  }
}

}  // namespace

RequestAdapters::RequestAdapters(const GenerateRequest& request, const TargetNames& names,
                                 ProgressSink& progress) {
  std::vector<std::map<size_t, double>> strengths;
  for (const AdapterSet& set : request.adapter_sets) {
    strengths.emplace_back();
    for (const AdapterChoice& choice : set.adapters) {
      const auto known = std::find(files_.begin(), files_.end(), choice.file);
      const auto index = static_cast<size_t>(known - files_.begin());
      if (known == files_.end()) {
        std::vector<std::string> warnings;
        auto adapter = std::make_unique<Adapter>(
            read_adapter(choice.file, names, warnings, base_weights(request.base, names)));
        for (const std::string& warning : warnings)
          progress.warning(choice.file.filename().string() + ": " + warning);
        if (request.style_strength != 1.0) {
          apply_style_strength(*adapter, request.style_strength);
          if (!adapter->vector_deltas.empty())
            progress.warning(fmt::format("{}: --style-strength leaves {} biases and norms as they are",
                                         choice.file.filename().string(), adapter->vector_deltas.size()));
        }
        files_.push_back(choice.file);
        adapters_.push_back(std::move(adapter));
      }
      strengths.back()[index] += choice.scale;
    }
  }
  if (request.style_strength != 1.0 && files_.empty())
    throw Error(ErrorKind::kUsage, "generate: --style-strength",
                "there is no adapter whose style it could weigh",
                "add --adapter FILE, a file that 'ziplora merge' wrote");
  for (const auto& set : strengths) {
    weights_.emplace_back(files_.size(), 0.0);
    for (const auto& [index, strength] : set) weights_.back()[index] = strength;
  }
}

std::vector<const Adapter*> RequestAdapters::pointers() const {
  std::vector<const Adapter*> pointers;
  for (const auto& adapter : adapters_) pointers.push_back(adapter.get());
  return pointers;
}

}  // namespace ziplora
