#include "ziplora/nn/embedding.h"

#include <ATen/ops/embedding.h>

#include "ziplora/nn/initialization.h"

namespace ziplora {

Embedding::Embedding(int64_t num_embeddings, int64_t dim, double initial_standard_deviation)
    : num_embeddings_(num_embeddings), dim_(dim), initial_standard_deviation_(initial_standard_deviation) {
  register_parameter("weight", weight, {num_embeddings, dim});
}

at::Tensor Embedding::forward(const at::Tensor& ids) const { return at::embedding(weight, ids); }

void Embedding::reset_parameters(at::Generator generator) {
  fill_normal(weight, {num_embeddings_, dim_}, initial_standard_deviation_, generator);
}

}  // namespace ziplora
