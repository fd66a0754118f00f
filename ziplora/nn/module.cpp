#include "ziplora/nn/module.h"

namespace ziplora {

void Module::register_parameter(std::string name, at::Tensor& tensor, std::vector<int64_t> shape) {
  parameters_.emplace_back(std::move(name), Parameter{&tensor, std::move(shape)});
}

void Module::register_module(std::string name, Module& child) {
  children_.emplace_back(std::move(name), &child);
}

void Module::visit_parameters(const std::string& prefix,
                              const std::function<void(const std::string&, Parameter&)>& visit) {
  for (auto& [name, parameter] : parameters_) visit(prefix + name, parameter);
  for (auto& [name, child] : children_) child->visit_parameters(prefix + name + ".", visit);
}

void Module::for_each_parameter(const std::function<void(const std::string&, Parameter&)>& visit) {
  visit_parameters("", visit);
}

void Module::visit_modules(const std::string& path,
                           const std::function<void(const std::string&, Module&)>& visit) {
  visit(path, *this);
  for (auto& [name, child] : children_) child->visit_modules(path.empty() ? name : path + "." + name, visit);
}

void Module::for_each_module(const std::function<void(const std::string&, Module&)>& visit) {
  visit_modules("", visit);
}

std::vector<at::Tensor> Module::parameters() {
  std::vector<at::Tensor> result;
  for_each_parameter([&](const std::string&, Parameter& parameter) { result.push_back(*parameter.tensor); });
  return result;
}

void Module::requires_grad(bool value) {
  for_each_parameter(
      [&](const std::string&, Parameter& parameter) { parameter.tensor->set_requires_grad(value); });
}

void initialize(Module& root, at::Generator generator) {
  root.for_each_module([&](const std::string&, Module& module) { module.reset_parameters(generator); });
}

}  // namespace ziplora
