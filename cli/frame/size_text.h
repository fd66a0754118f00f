#pragma once
/// "1.23 MB": sizes for people, in powers of 1000 as disks are sold and files are listed.

#include <fmt/format.h>

#include <string>

namespace ziplora::cli {

inline std::string size_text(double bytes) {
  const char* units[] = {"bytes", "kB", "MB", "GB"};
  int unit = 0;
  while (bytes >= 1000 && unit < 3) bytes /= 1000, ++unit;
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.3g} {}", bytes, units[unit]);
}

}  // namespace ziplora::cli
