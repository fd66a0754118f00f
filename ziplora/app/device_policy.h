#pragma once
/// Where a base runs, and in which precision.
///
///     DevicePolicy policy = parse_device_policy("cuda:1", at::kBFloat16, "generate: --device");

#include <string>

#include "ziplora/models/sdxl.h"

namespace ziplora {

/// @param device  cpu, cuda, cuda:1 …
/// @param where   opens the error message
/// @throws Error(kUsage) for other words, and for cuda where there is none
DevicePolicy parse_device_policy(const std::string& device, at::ScalarType dtype, const std::string& where);

}  // namespace ziplora
