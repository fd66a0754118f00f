#include "ziplora/optim/lr_schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ziplora/base/error.h"

namespace ziplora {

const std::vector<LrSchedule>& lr_schedules() {
  static const std::vector<LrSchedule> table = {
      {"constant", "keeps the learning rate", [](double) { return 1.0; }},
      {"linear", "falls evenly to 0", [](double progress) { return 1.0 - progress; }},
      {"cosine", "falls to 0 along half a cosine",
       [](double progress) { return 0.5 * (1.0 + std::cos(std::numbers::pi * progress)); }},
  };
  return table;
}

double lr_factor(const std::string& name, int64_t iteration, int64_t warmup, int64_t total) {
  std::string known;
  for (const LrSchedule& schedule : lr_schedules()) {
    if (schedule.name == name) {
      if (iteration < warmup) return static_cast<double>(iteration) / static_cast<double>(warmup);
      const double progress =
          static_cast<double>(iteration - warmup) / static_cast<double>(std::max<int64_t>(1, total - warmup));
      return std::max(0.0, schedule.factor(progress));
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", schedule.name);
  }
  throw Error(ErrorKind::kUsage, "lr schedule", fmt::format("there is no '{}'", name),
              "choose one of: " + known);
}

}  // namespace ziplora
