#include "ziplora/nn/load_parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>
#include <set>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

/// “3 missing (a, b, …)” with at most kShown names.
std::string summary(const char* what, const std::vector<std::string>& items) {
  constexpr size_t kShown = 5;
  const std::vector<std::string> shown(items.begin(), items.begin() + std::min(items.size(), kShown));
  return fmt::format("{} {} ({}{})", items.size(), what, fmt::join(shown, ", "),
                     items.size() > kShown ? ", …" : "");
}

}  // namespace

TensorSource renamed(const TensorSource& source,
                     const std::function<std::string(const std::string&)>& new_name) {
  auto originals = std::make_shared<std::map<std::string, std::string>>();
  TensorSource result{.description = source.description, .names = {}, .tensor = {}};
  for (const std::string& name : source.names) {
    result.names.push_back(new_name(name));
    (*originals)[result.names.back()] = name;
  }
  result.tensor = [tensor = source.tensor, originals](const std::string& name) {
    return tensor(originals->at(name));
  };
  if (source.release)
    result.release = [release = source.release, originals](const std::string& name) {
      release(originals->at(name));
    };
  return result;
}

at::Tensor in_order_of_use(const at::Tensor& parameter) {
  return parameter.dim() == 4 ? parameter.contiguous(at::MemoryFormat::ChannelsLast) : parameter;
}

void load_parameters(Module& module, const TensorSource& source, at::Device device, at::ScalarType dtype,
                     const std::function<bool(const std::string&)>& ignore,
                     const std::function<void()>& filled) {
  std::set<std::string> left(source.names.begin(), source.names.end());
  std::vector<std::string> missing, misshapen;
  // Everything is checked before the first parameter is set, so a failed load leaves the module unchanged.
  std::vector<std::pair<at::Tensor*, std::string>> assignments;
  module.for_each_parameter([&](const std::string& path, Module::Parameter& parameter) {
    if (!left.erase(path)) {
      missing.push_back(path);
      return;
    }
    const at::Tensor found = source.tensor(path);
    if (found.sizes() != at::IntArrayRef(parameter.shape)) {
      misshapen.push_back(fmt::format("{} is [{}], expected [{}]", path, fmt::join(found.sizes(), ", "),
                                      fmt::join(parameter.shape, ", ")));
    }
    assignments.emplace_back(parameter.tensor, path);
  });
  std::vector<std::string> unexpected;
  for (const std::string& name : left) {
    if (!ignore || !ignore(name)) unexpected.push_back(name);
  }

  std::vector<std::string> problems;
  if (!missing.empty()) problems.push_back(summary("missing", missing));
  if (!unexpected.empty()) problems.push_back(summary("unexpected", unexpected));
  if (!misshapen.empty()) problems.push_back(summary("of another shape", misshapen));
  if (!problems.empty()) {
    throw Error(ErrorKind::kInput, "load " + source.description,
                fmt::format("tensors do not fit the model's config: {}", fmt::join(problems, "; ")),
                "check that the weights and the config.json beside them belong together");
  }
  for (auto& [parameter, path] : assignments) {
    const at::Tensor stored = source.tensor(path).detach();
    *parameter = in_order_of_use(stored.to(device, dtype));
    if (source.release && !parameter->is_alias_of(stored)) source.release(path);
    if (filled) filled();
  }
}

}  // namespace ziplora
