#include "mini/regimes/regime_manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "mini/regimes/regime_together.h"

namespace ziplora::mini {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Captions of a style's images under which merges preserve it; a subject has its prompt.
constexpr size_t kMostOwnPrompts = 8;

/// The style's names something that no subject is.
constexpr const char* kOwnPrompts[] = {"{subject}", "a rose, {style}"};

bool is_ready(const PlannedLora& lora, const fs::path& folder) {
  return fs::exists(folder / lora_path(lora));
}

json own_prompts(const PlannedLora& style) {
  json prompts = json::array();
  for (const PlannedImage& image : style.images)
    if (prompts.size() < kMostOwnPrompts) prompts.push_back(image.caption);
  return prompts;
}

json entries_of(const std::vector<PlannedLora>& loras, const fs::path& folder, bool are_styles) {
  json entries = json::array();
  for (const PlannedLora& lora : loras) {
    json entry{{"name", lora.name}, {"prompt", lora.prompt}, {"words", lora.words}};
    if (is_ready(lora, folder)) {
      entry["lora"] = lora_path(lora).string();
      entry["images"] = images_path(lora).string();
      if (are_styles) entry["own_prompts"] = own_prompts(lora);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace

fs::path lora_path(const PlannedLora& lora) { return fs::path("loras") / (lora.stem() + ".safetensors"); }

fs::path images_path(const PlannedLora& lora) { return fs::path("images") / lora.stem(); }

fs::path truth_path(const Catalogue& catalogue, const SceneContent& content) {
  return fs::path("truths") / fmt::format("{}{}.{}.{}.png", catalogue.subjects[content.subject].id,
                                          content.turned ? "-turned" : "", catalogue.styles[content.style].id,
                                          catalogue.backgrounds[content.background].id);
}

json manifest_of(const RegimePlan& plan, const Catalogue& catalogue, const fs::path& folder,
                 const ManifestScope& scope) {
  json pairs = json::array(), prompts = regime_prompts(), seeds = json::array();
  for (int64_t seed = 0; seed < scope.seeds; ++seed) seeds.push_back(seed);
  if (scope.own_prompts)
    for (const char* prompt : kOwnPrompts) prompts.push_back(prompt);
  for (const PlannedPair& pair : plan.pairs) {
    json truths = json::array();
    for (const std::optional<SceneContent>& truth : pair.truths)
      truths.push_back(truth ? json(truth_path(catalogue, *truth).string()) : json());
    truths.insert(truths.end(), prompts.size() - truths.size(), json());
    pairs.push_back({{"subject", plan.subjects[pair.subject].name},
                     {"style", plan.styles[pair.style].name},
                     {"group", find_regime(pair.regime).group},
                     {"truths", truths}});
    const PlannedLora &subject = plan.subjects[pair.subject], &style = plan.styles[pair.style];
    if (!scope.together || subject.images.empty() || style.images.empty()) continue;
    const PlannedLora both = together(subject, style);
    if (!is_ready(both, folder)) continue;
    pairs.back()["files"] = {{kTogether, lora_path(both).string()}};
    pairs.back()["group"] = fmt::format("{}, {}", find_regime(pair.regime).group, kTogether);
  }
  return {{"subjects", entries_of(plan.subjects, folder, false)},
          {"styles", entries_of(plan.styles, folder, true)},
          {"prompts", prompts},
          {"seeds", seeds},
          {"pairs", pairs}};
}

size_t pairs_ready(const RegimePlan& plan, const fs::path& folder) {
  return static_cast<size_t>(std::ranges::count_if(plan.pairs, [&](const PlannedPair& pair) {
    return is_ready(plan.subjects[pair.subject], folder) && is_ready(plan.styles[pair.style], folder);
  }));
}

}  // namespace ziplora::mini
