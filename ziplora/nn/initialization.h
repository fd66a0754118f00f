#pragma once
/// PyTorch's default initialisations, drawn from a given generator.

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <vector>

namespace ziplora {

/// U(−1/√fan_in, 1/√fan_in), the default of torch.nn.Linear and torch.nn.Conv2d. Allocates float32.
void fill_uniform_fan_in(at::Tensor& tensor, const std::vector<int64_t>& shape, int64_t fan_in,
                         at::Generator generator);
/// N(0, standard_deviation²). Allocates float32.
void fill_normal(at::Tensor& tensor, const std::vector<int64_t>& shape, double standard_deviation,
                 at::Generator generator);
void fill_constant(at::Tensor& tensor, const std::vector<int64_t>& shape, double value);

}  // namespace ziplora
