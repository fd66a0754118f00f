#include "ziplora/app/device_policy.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"

namespace ziplora {
namespace {

constexpr std::pair<const char*, at::ScalarType> kDtypes[] = {
    {"float32", at::kFloat}, {"bfloat16", at::kBFloat16}, {"float16", at::kHalf}};

at::Device parse_device(const std::string& text) {
  const auto refuse = [&](const std::string& problem) {
    return Error(ErrorKind::kUsage, "--device " + text, problem, "use --device cpu");
  };
  try {
    const at::Device device(text);
    if (!device.is_cpu() && !device.is_cuda()) throw refuse("only cpu and cuda devices are supported");
    if (device.is_cuda() && !at::globalContext().hasCUDA()) throw refuse("there is no CUDA device here");
    return device;
  } catch (const c10::Error&) {
    throw refuse("this is no device; known: cpu, cuda, cuda:1 and so on");
  }
}

}  // namespace

const std::vector<std::string>& dtype_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, dtype] : kDtypes) all.emplace_back(name);
    return all;
  }();
  return names;
}

std::string dtype_name(at::ScalarType dtype) {
  for (const auto& [name, known] : kDtypes)
    if (known == dtype) return name;
  throw Error(ErrorKind::kInternal, "dtype", std::string("no flag names ") + c10::toString(dtype));
}

at::ScalarType parse_dtype(const std::string& name) {
  for (const auto& [known, dtype] : kDtypes)
    if (known == name) return dtype;
  throw unknown_name("dtype", name, dtype_names());
}

DevicePolicy parse_device_policy(const std::string& device, const std::string& dtype) {
  return {parse_device(device), parse_dtype(dtype)};
}

}  // namespace ziplora
