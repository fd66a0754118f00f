#pragma once
/// A lookup table. Matches torch.nn.Embedding.

#include "ziplora/nn/module.h"

namespace ziplora {

class Embedding : public Module {
 public:
  Embedding(int64_t num_embeddings, int64_t dim, double initial_standard_deviation = 0.02);
  /// @param ids  […] int64
  /// @return     […, dim]
  at::Tensor forward(const at::Tensor& ids) const;
  void reset_parameters(at::Generator generator) override;
  at::Tensor weight;  ///< [num_embeddings, dim]

 private:
  int64_t num_embeddings_, dim_;
  double initial_standard_deviation_;
};

}  // namespace ziplora
