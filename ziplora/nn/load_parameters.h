#pragma once
/// Fills a module tree from named tensors, strictly.

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/nn/module.h"

namespace ziplora {

/// Where tensors come from: a file, several shards, or another source under new names.
struct TensorSource {
  std::string description;  ///< for messages: the path
  std::vector<std::string> names;
  std::function<at::Tensor(const std::string& name)> tensor;
  /// Called when a tensor has been copied, so that its pages of the file may leave memory; may be empty.
  std::function<void(const std::string& name)> release = {};
};

/// The same tensors under other names.
TensorSource renamed(const TensorSource& source,
                     const std::function<std::string(const std::string&)>& new_name);

/// A convolution's kernel with its channels last, the order in which convolutions run; a kernel in another
/// order would be copied on every call. Returns anything else unchanged.
at::Tensor in_order_of_use(const at::Tensor& parameter);

/// Sets every parameter to the source's tensor of the same path. The tensor stays memory-mapped, without a
/// copy, if device, dtype and order match; others are converted one at a time, so that memory peaks near the
/// size of the result. The parameters get no gradient.
/// @param ignore  names in the source that may be left over (“position_ids”)
/// @param filled  called after each parameter, for progress
/// @throws Error(kInput) with the counts and the first few names of missing, unexpected or misshapen tensors
void load_parameters(Module& module, const TensorSource& source, at::Device device, at::ScalarType dtype,
                     const std::function<bool(const std::string&)>& ignore = nullptr,
                     const std::function<void()>& filled = nullptr);

}  // namespace ziplora
