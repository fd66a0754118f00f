#pragma once
/// Where a base runs, and in which precision.
///
///     DevicePolicy policy = parse_device_policy("cuda:1", at::kBFloat16, "generate: --device");

#include <string>

#include "ziplora/models/sdxl.h"

namespace ziplora {

struct CudaDevices {
  bool built_in = false;  ///< LibTorch is one of its CUDA builds
  int64_t count = 0;
};

CudaDevices cuda_devices_here();

/// @param device  cpu, cuda, cuda:1 …
/// @param here    what there is to choose from
/// @param where   opens the error message
/// @throws Error(kUsage) for other words, and for a cuda device that is not here
at::Device choose_device(const std::string& device, const CudaDevices& here, const std::string& where);

/// Chooses from the devices of this machine.
/// @throws as choose_device
DevicePolicy parse_device_policy(const std::string& device, at::ScalarType dtype, const std::string& where);

}  // namespace ziplora
