#pragma once
/// The overlap term of ZipLoRA's loss, λ Σ_layers |m_c · m_s|, in its several readings. The paper's equation,
/// its words and its public implementation disagree, and relative to the fidelity terms the readings differ
/// in size by 10⁵. So each has a name:
///
///     mean-products   Σ_layers mean_j |m_c,j · m_s,j|     the public code's; the default
///     sum-products    Σ_layers Σ_j |m_c,j · m_s,j|
///     dot-product     Σ_layers |Σ_j m_c,j · m_s,j|        equation 3 of v1 and v2 as written
///     cosine          Σ_layers |cos(m_c, m_s)|            the words of v1; no gradient at the start
///
/// Why mean-products: with mean squared errors as fidelity, λ 0.01 and lr 0.01, this reading separates the
/// adapters and preserves both. Sums over 640 to 2560 columns exceed the fidelity terms (a few hundredths) a
/// thousandfold, and the cosine starts on a saddle. Of K adapters, the term sums over all pairs i < j that
/// both touch the layer.
///
///     const OverlapTerm overlap(layout, find_overlap_reading("mean-products"), m.options());
///     at::Tensor per_layer = overlap.per_layer(m);   // [layers]

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "ziplora/merge/merger_coefficients.h"

namespace ziplora {

/// Two rows of coefficients, from which a reading computes one number per layer.
struct PairedColumns {
  /// m_i and m_j, [columns]
  const at::Tensor &first, &second;
  /// [columns] → [layers]: the sum of each layer's columns; differentiable
  const std::function<at::Tensor(const at::Tensor&)>& layer_sum;
  /// Number of columns, [layers]
  const at::Tensor& layer_sizes;
};

struct OverlapReading {
  const char* name;
  const char* summary;
  /// @return [layers], non-negative
  at::Tensor (*per_layer)(const PairedColumns& pair);
};

const std::vector<OverlapReading>& overlap_readings();
/// @throws Error(kUsage) with "did you mean"
const OverlapReading& find_overlap_reading(const std::string& name);

class OverlapTerm {
 public:
  OverlapTerm(const MergerLayout& layout, const OverlapReading& reading, const at::TensorOptions& options);

  /// @param values  [K, columns] (MergerCoefficients::values)
  /// @return        [layers], summed over pairs; differentiable in `values`
  at::Tensor per_layer(const at::Tensor& values) const;
  /// @return  [K, layers], each adapter's pairs with all others; half the sum over K is `per_layer`
  at::Tensor per_adapter(const at::Tensor& values) const;

 private:
  struct Pair {
    int64_t first, second;
    at::Tensor both_held;  // [layers], 1 where both adapters touch the layer
  };
  /// [layers]
  at::Tensor of_pair(const Pair& pair, const at::Tensor& values) const;

  const OverlapReading& reading_;
  at::Tensor layer_of_column_;  // [columns] int64
  at::Tensor layer_sizes_;      // [layers]
  std::vector<Pair> pairs_;
};

}  // namespace ziplora
