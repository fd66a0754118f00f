#pragma once
/// Where and in which precision a base runs, as flags and files spell it: one table of names for every
/// command.
///
///     DevicePolicy policy = parse_device_policy("cuda:1", "bfloat16");
///     std::string name = dtype_name(at::kHalf);   // "float16"

#include <string>
#include <vector>

#include "ziplora/models/sdxl.h"

namespace ziplora {

/// float32, bfloat16, float16
const std::vector<std::string>& dtype_names();
std::string dtype_name(at::ScalarType dtype);
/// @throws Error(kUsage) proposing the nearest name
at::ScalarType parse_dtype(const std::string& name);

/// @param device  cpu, cuda, cuda:1 …
/// @throws Error(kUsage) for other words, and for cuda where there is none
DevicePolicy parse_device_policy(const std::string& device, const std::string& dtype);

}  // namespace ziplora
