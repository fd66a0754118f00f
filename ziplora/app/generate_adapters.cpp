#include "ziplora/app/generate_adapters.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ziplora/app/architecture.h"
#include "ziplora/app/default_base.h"
#include "ziplora/app/ignore_unused.h"
#include "ziplora/base/error.h"
#include "ziplora/lora/rank_split.h"

namespace ziplora {

RequestAdapters::RequestAdapters(const GenerateRequest& request, const TargetNames& names,
                                 ProgressSink& progress) {
  std::vector<std::map<size_t, double>> strengths;
  const bool is_grid = request.adapter_sets.size() > 1;
  bool weighs_a_style = false;
  for (const AdapterSet& set : request.adapter_sets) {
    strengths.emplace_back();
    for (const AdapterChoice& choice : set.adapters) {
      const auto known = std::find(files_.begin(), files_.end(), choice.file);
      const auto index = static_cast<size_t>(known - files_.begin());
      if (known == files_.end()) {
        std::vector<std::string> warnings;
        auto adapter = std::make_unique<Adapter>(read_adapter(choice.file, names, warnings,
                                                              base_weights(resolve_base(request.base), names),
                                                              ignore_unused(request.ignore_unused)));
        for (const std::string& warning : warnings)
          progress.warning(choice.file.filename().string() + ": " + warning);
        // Beside a merge, a grid shows what went into it; those files have no style side.
        if (request.style_strength != 1.0 && is_grid && !tells_split(*adapter)) {
          progress.note(
              fmt::format("{} does not record which side is the style: --style-strength leaves it unchanged",
                          choice.file.filename().string()));
        } else if (request.style_strength != 1.0) {
          weighs_a_style = true;
          scale_role(*adapter, Role::kStyle, request.style_strength,
                     "generate: --style-strength: " + choice.file.string());
          if (!adapter->vector_deltas.empty())
            progress.warning(fmt::format("{}: --style-strength leaves {} biases and norms unchanged",
                                         choice.file.filename().string(), adapter->vector_deltas.size()));
        }
        files_.push_back(choice.file);
        adapters_.push_back(std::move(adapter));
      }
      strengths.back()[index] += choice.strength;
    }
  }
  if (request.style_strength != 1.0 && !weighs_a_style)
    throw Error(ErrorKind::kUsage, "generate: --style-strength", "no adapter has a style side to weigh",
                "add --adapter FILE with a file that 'ziplora merge' wrote");
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
