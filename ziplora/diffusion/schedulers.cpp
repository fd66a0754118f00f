#include "ziplora/base/nearest_name.h"
#include "ziplora/diffusion/scheduler.h"

namespace ziplora {

// Each scheduler is defined in the file of its name. Only this list knows them all.
SchedulerEntry ddim_scheduler();
SchedulerEntry euler_scheduler();
SchedulerEntry euler_ancestral_scheduler();
SchedulerEntry dpmpp_2m_scheduler();
SchedulerEntry lcm_scheduler();

const std::vector<SchedulerEntry>& schedulers() {
  static const std::vector<SchedulerEntry> table = {
      ddim_scheduler(), euler_scheduler(), euler_ancestral_scheduler(), dpmpp_2m_scheduler(), lcm_scheduler(),
  };
  return table;
}

std::unique_ptr<Scheduler> make_scheduler(const std::string& name, const NoiseSchedule& schedule,
                                          const SchedulerOptions& options) {
  std::vector<std::string> names;
  for (const SchedulerEntry& entry : schedulers()) {
    if (name == entry.name) return entry.make(schedule, options);
    names.push_back(entry.name);
  }
  throw unknown_name("scheduler", name, names);
}

}  // namespace ziplora
