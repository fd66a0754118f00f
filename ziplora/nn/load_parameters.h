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

/// Where tensors come from: a file, several shards, a renaming of a checkpoint.
struct TensorSource {
  std::string description;  ///< for messages: the path
  std::vector<std::string> names;
  std::function<at::Tensor(const std::string& name)> tensor;
  /// Told when a tensor has been copied, so that its pages of the file may leave memory; may be empty.
  std::function<void(const std::string& name)> release = {};
};

/// The same tensors under other names.
TensorSource renamed(const TensorSource& source,
                     const std::function<std::string(const std::string&)>& new_name);

/// A convolution's kernel with its channels last, the order in which convolutions run: one in another order
/// would be copied on every call. Anything else as it is.
at::Tensor in_order_of_use(const at::Tensor& parameter);

/// Every parameter is set to the source's tensor of its path: as it is (memory-mapped, no copy) when device,
/// dtype and order already match, else converted one tensor at a time, so that memory peaks near the size of
/// the result. The parameters get no gradient.
/// @param ignore  names in the source that may be left over (“position_ids”)
/// @param filled  told after each parameter, for progress
/// @throws Error(kInput) listing the first few tensors that are missing, unexpected or misshapen, with the
/// counts
void load_parameters(Module& module, const TensorSource& source, at::Device device, at::ScalarType dtype,
                     const std::function<bool(const std::string&)>& ignore = nullptr,
                     const std::function<void()>& filled = nullptr);

}  // namespace ziplora
