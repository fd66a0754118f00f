#include "ziplora/base/peak_memory.h"

#include <sys/resource.h>

#include <fstream>
#include <string>

namespace ziplora {

int64_t peak_memory_bytes() {
  // getrusage comes second: its peak includes that of the process which started this one.
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;  // Linux counts in KiB
}

}  // namespace ziplora
