#pragma once
/// Learning-rate schedules: a factor on the learning rate for each optimizer update, after a linear warm-up
/// from 0. Equal to diffusers.optimization.get_scheduler (one cycle). A schedule is one line in
/// lr_schedule.cpp.
///
///     double lr = 1e-3 * lr_factor("cosine", iteration, /*warmup=*/100, /*total=*/1000);

#include <cstdint>
#include <string>
#include <vector>

namespace ziplora {

struct LrSchedule {
  const char* name;
  const char* summary;
  double (*factor)(double progress);  ///< progress after the warm-up: 0 at its end, 1 after the last update
};

/// All schedules; help, validation and tests iterate over them.
const std::vector<LrSchedule>& lr_schedules();

/// @param iteration  updates already done, 0 … total − 1
/// @throws Error(kUsage) for an unknown name
double lr_factor(const std::string& name, int64_t iteration, int64_t warmup, int64_t total);

}  // namespace ziplora
