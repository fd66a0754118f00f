#pragma once
/// The tree of named parameters of a model. Children register under their diffusers names, so the paths are
/// the keys of the base's files and need no map. ("to_out.0" is a legal name here; it is not in
/// torch::nn::Module, which also costs 18 s of compile time per unit.)
///
/// Construction allocates nothing: a parameter is a declared shape until `load_parameters` or
/// `reset_parameters` fills it. Modules can be neither copied nor moved, since parents hold pointers to their
/// members.
///
///     class Linear : public Module {
///      public:
///       Linear(int64_t in, int64_t out) { register_parameter("weight", weight, {out, in}); }
///       at::Tensor weight;
///     };

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace ziplora {

class Module {
 public:
  struct Parameter {
    at::Tensor* tensor;          ///< undefined until filled
    std::vector<int64_t> shape;  ///< declared
  };

  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Visits every parameter of the tree with its dotted path, depth first in order of registration.
  void for_each_parameter(const std::function<void(const std::string& path, Parameter& parameter)>& visit);
  /// Visits this module (path "") and every module below it.
  void for_each_module(const std::function<void(const std::string& path, Module& module)>& visit);

  /// All parameter tensors, in order.
  std::vector<at::Tensor> parameters();
  void requires_grad(bool value);
  /// Fills this module's own parameters, not its children's, with PyTorch's default initialisation for the
  /// layer.
  virtual void reset_parameters(at::Generator generator) {}

 protected:
  void register_parameter(std::string name, at::Tensor& tensor, std::vector<int64_t> shape);
  void register_module(std::string name, Module& child);

 private:
  void visit_parameters(const std::string& prefix,
                        const std::function<void(const std::string&, Parameter&)>& visit);
  void visit_modules(const std::string& prefix,
                     const std::function<void(const std::string&, Module&)>& visit);

  std::vector<std::pair<std::string, Parameter>> parameters_;
  std::vector<std::pair<std::string, Module*>> children_;
};

/// Default-initialises a whole tree from one generator.
void initialize(Module& root, at::Generator generator);

}  // namespace ziplora
