#include "ziplora/nn/initialization.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <cmath>

namespace ziplora {

void fill_uniform_fan_in(at::Tensor& tensor, const std::vector<int64_t>& shape, int64_t fan_in,
                         at::Generator generator) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  tensor = at::empty(shape, at::kFloat).uniform_(-bound, bound, generator);
}

void fill_normal(at::Tensor& tensor, const std::vector<int64_t>& shape, double standard_deviation,
                 at::Generator generator) {
  tensor = at::empty(shape, at::kFloat).normal_(0.0, standard_deviation, generator);
}

void fill_constant(at::Tensor& tensor, const std::vector<int64_t>& shape, double value) {
  tensor = at::full(shape, value, at::kFloat);
}

}  // namespace ziplora
