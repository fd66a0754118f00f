#pragma once
/// Wall and CPU seconds of repeated work and this process's peak of memory: what the benchmarks' probes tell.
/// CPU seconds are of use where the machine is shared. Python's side has the same
/// (tests/bench/side_by_side.py).
///
///     IterationClock clock;
///     for (…) {
///       iterate();
///       clock.lap();
///     }
///     response.values = clock.values();   // {"seconds": […], "cpu_seconds": […], "peak_memory_bytes": …}

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <vector>

#include "ziplora/base/peak_memory.h"

namespace ziplora::probe {

class IterationClock {
 public:
  IterationClock() { begin(); }
  void begin() {
    wall_ = std::chrono::steady_clock::now();
    cpu_ = std::clock();
  }
  /// Ends an iteration and begins the next.
  void lap() {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - wall_;
    seconds.push_back(wall.count());
    cpu_seconds.push_back(static_cast<double>(std::clock() - cpu_) / CLOCKS_PER_SEC);
    begin();
  }
  nlohmann::json values() const {
    return {{"seconds", seconds}, {"cpu_seconds", cpu_seconds}, {"peak_memory_bytes", peak_memory_bytes()}};
  }

  std::vector<double> seconds, cpu_seconds;

 private:
  std::chrono::steady_clock::time_point wall_;
  std::clock_t cpu_ = 0;
};

}  // namespace ziplora::probe
