#include "mini/regimes/regime_together.h"

#include <fmt/format.h>

#include <algorithm>

namespace ziplora::mini {
namespace {

/// Between the settings of a subject (300 iterations on 5 images) and of a style (400 on 32), at the subject's rate.
nlohmann::json together_settings() {
  return {{"targets", "linear"}, {"lr", 2e-3}, {"iterations", 500}, {"views", 4}, {"rank", 16}};
}

}  // namespace

PlannedLora together(const PlannedLora& subject, const PlannedLora& style) {
  PlannedLora both{fmt::format("{} + {}", subject.name, style.name),
                   subject.prompt + ", " + style.prompt,
                   subject.words + " " + style.words,
                   subject.instance_prompt,
                   {}};
  const size_t repeats = std::max<size_t>(1, style.images.size() / subject.images.size());
  for (size_t repeat = 0; repeat < repeats; ++repeat)
    for (PlannedImage image : subject.images) {
      image.stem = fmt::format("subject-{}-{}", repeat, image.stem);
      both.images.push_back(std::move(image));
    }
  for (PlannedImage image : style.images) {
    image.stem = "style-" + image.stem;
    both.images.push_back(std::move(image));
  }
  both.settings = together_settings();
  return both;
}

std::vector<PlannedLora> trained_together(const RegimePlan& plan, const std::vector<std::string>& names,
                                          int64_t subjects) {
  std::vector<PlannedLora> result;
  for (const PlannedPair& pair : plan.pairs) {
    const PlannedLora &subject = plan.subjects[pair.subject], &style = plan.styles[pair.style];
    if (is_asked_for(pair, names, subjects) && !subject.images.empty() && !style.images.empty())
      result.push_back(together(subject, style));
  }
  return result;
}

}  // namespace ziplora::mini
