#include "ziplora/app/device_policy.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include "ziplora/base/error.h"

namespace ziplora {

at::Device choose_device(const std::string& device, const CudaDevices& here, const std::string& where) {
  const auto refuse = [&](const std::string& problem, const std::string& hint) {
    return Error(ErrorKind::kUsage, where + " " + device, problem, hint);
  };
  at::Device parsed(at::kCPU);
  try {
    parsed = at::Device(device);
  } catch (const c10::Error&) {
    throw refuse("this is not a device; known: cpu, cuda, cuda:1 and so on", "use the device cpu");
  }
  if (parsed.is_cpu()) return parsed;
  if (!parsed.is_cuda()) throw refuse("only cpu and cuda devices are supported", "use the device cpu");
  if (!here.built_in)
    throw refuse("there is no CUDA device here: this ziplora was built with LibTorch's CPU build",
                 "use the device cpu, or build again with the folder of a CUDA torch as ZIPLORA_TORCH_DIR "
                 "(docs/performance.md)");
  if (here.count == 0)
    throw refuse("there is no CUDA device here: LibTorch finds no GPU, or no driver that is new enough",
                 "use the device cpu, or see what nvidia-smi says");
  if (parsed.index() >= here.count)
    throw refuse(
        fmt::format("there {} here: {}",
                    here.count == 1 ? "is one CUDA device" : fmt::format("are {} CUDA devices", here.count),
                    here.count == 1 ? "cuda:0" : fmt::format("cuda:0 to cuda:{}", here.count - 1)),
        fmt::format("use the device cuda:{}", here.count - 1));
  return parsed;
}

CudaDevices cuda_devices_here() {
  const at::Context& context = at::globalContext();
  const int64_t count = context.hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  return {.built_in = count > 0 || at::detail::getCUDAHooks().hasCUDART(), .count = count};
}

DevicePolicy parse_device_policy(const std::string& device, at::ScalarType dtype, const std::string& where) {
  return {choose_device(device, cuda_devices_here(), where), dtype};
}

}  // namespace ziplora
