#include "ziplora/diffusion/row_noise.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>

#include <string>
#include <vector>

#include "ziplora/base/error.h"

namespace ziplora {

at::Tensor row_noise(const at::Tensor& like, std::span<at::Generator> generators) {
  if (static_cast<int64_t>(generators.size()) != like.size(0))
    throw Error(
        ErrorKind::kInternal, "row_noise",
        std::to_string(generators.size()) + " generators for " + std::to_string(like.size(0)) + " rows");
  std::vector<int64_t> shape = like.sizes().vec();
  shape[0] = 1;
  std::vector<at::Tensor> rows;
  for (at::Generator& generator : generators) rows.push_back(at::randn(shape, generator, at::kFloat));
  return at::cat(rows).to(like.options());
}

}  // namespace ziplora
