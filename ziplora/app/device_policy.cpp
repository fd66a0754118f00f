#include "ziplora/app/device_policy.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>

#include "ziplora/base/error.h"

namespace ziplora {

DevicePolicy parse_device_policy(const std::string& device, at::ScalarType dtype, const std::string& where) {
  const auto refuse = [&](const std::string& problem) {
    return Error(ErrorKind::kUsage, where + " " + device, problem, "use the device cpu");
  };
  try {
    const at::Device parsed(device);
    if (!parsed.is_cpu() && !parsed.is_cuda()) throw refuse("only cpu and cuda devices are supported");
    if (parsed.is_cuda() && !at::globalContext().hasCUDA()) throw refuse("there is no CUDA device here");
    return {parsed, dtype};
  } catch (const c10::Error&) {
    throw refuse("this is not a device; known: cpu, cuda, cuda:1 and so on");
  }
}

}  // namespace ziplora
