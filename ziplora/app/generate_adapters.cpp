#include "ziplora/app/generate_adapters.h"

#include <fmt/format.h>

#include <algorithm>

#include "ziplora/app/architecture.h"
#include "ziplora/app/default_base.h"
#include "ziplora/app/ignore_unused.h"
#include "ziplora/base/error.h"
#include "ziplora/lora/rank_split.h"

namespace ziplora {

std::vector<std::filesystem::path> adapter_files(const GenerateRequest& request) {
  std::vector<std::filesystem::path> files;
  for (const AdapterSet& set : request.adapter_sets)
    for (const AdapterChoice& choice : set.adapters)
      if (std::ranges::find(files, choice.file) == files.end()) files.push_back(choice.file);
  return files;
}

namespace {

/// Beside a merge, a grid shows what went into it; those files have no style side.
/// @return whether the style was weighed
bool weigh_style(Adapter& adapter, const std::filesystem::path& file, double strength, bool is_grid,
                 ProgressSink& progress) {
  if (is_grid && !tells_split(adapter)) {
    progress.note(
        fmt::format("{} does not record which side is the style: --style-strength leaves it unchanged",
                    file.filename().string()));
    return false;
  }
  scale_role(adapter, Role::kStyle, strength, "generate: --style-strength: " + file.string());
  if (!adapter.vector_deltas.empty())
    progress.warning(fmt::format("{}: --style-strength leaves {} biases and norms unchanged",
                                 file.filename().string(), adapter.vector_deltas.size()));
  return true;
}

}  // namespace

RequestAdapters::RequestAdapters(const GenerateRequest& request, const TargetNames& names,
                                 ProgressSink& progress)
    : files_(adapter_files(request)) {
  bool weighs_a_style = false;
  for (const std::filesystem::path& file : files_) {
    std::vector<std::string> warnings;
    adapters_.push_back(std::make_unique<Adapter>(
        read_adapter(file, names, warnings, base_weights(resolve_base(request.base), names),
                     ignore_unused(request.ignore_unused))));
    for (const std::string& warning : warnings) progress.warning(file.filename().string() + ": " + warning);
    if (request.style_strength != 1.0)
      weighs_a_style |= weigh_style(*adapters_.back(), file, request.style_strength,
                                    request.adapter_sets.size() > 1, progress);
  }
  if (request.style_strength != 1.0 && !weighs_a_style)
    throw Error(ErrorKind::kUsage, "generate: --style-strength", "no adapter has a style side to weigh",
                "add --adapter FILE with a file that 'ziplora merge' wrote");
  roles_.resize(files_.size(), Role::kAdapter);
  for (const AdapterSet& set : request.adapter_sets) {
    std::vector<double>& weights = weights_.emplace_back(files_.size(), 0.0);
    for (const AdapterChoice& choice : set.adapters) {
      const auto index = std::ranges::find(files_, choice.file) - files_.begin();
      weights[index] += choice.strength;
      if (choice.role != Role::kAdapter) roles_[index] = choice.role;
    }
  }
}

std::vector<const Adapter*> RequestAdapters::pointers() const {
  std::vector<const Adapter*> pointers;
  for (const auto& adapter : adapters_) pointers.push_back(adapter.get());
  return pointers;
}

std::vector<StrategyInput> RequestAdapters::strategy_inputs() const {
  std::vector<StrategyInput> inputs;
  for (size_t k = 0; k < adapters_.size(); ++k) inputs.push_back({adapters_[k].get(), roles_[k]});
  return inputs;
}

}  // namespace ziplora
