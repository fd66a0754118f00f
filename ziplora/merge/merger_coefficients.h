#pragma once
/// The merger coefficients m_k of every learned target, and what they do to an adapter: they multiply column
/// j of ΔW_k by m_k[j].
///
///     MergerCoefficients coefficients(MergerLayout(adapters, is_learned));
///     Adapter subject = fold_coefficients(cat, coefficients, 0);   // down · diag(m): an ordinary LoRA again
///
/// All m live in one [K, columns] parameter, so Adam and the overlap term need only a handful of operations
/// however many layers there are; layers see views of it. Leaves out how the coefficients are learned
/// (zip_objective.h). Source: ZipLoRA, arXiv 2311.13600, ΔW_m = m_c ⊗ ΔW_c + m_s ⊗ ΔW_s.

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "ziplora/lora/adapter.h"

namespace ziplora {

/// Where each target's coefficients lie in the flat parameter.
struct MergerLayout {
  struct Segment {
    std::string target;
    /// Columns [offset, offset + size); size = input features, channels of a convolution.
    int64_t offset, size;
    /// By adapter: does it touch this target?
    std::vector<bool> held;
  };

  /// One segment for each target that some adapter touches and `is_learned` accepts, in alphabetical order.
  MergerLayout(const std::vector<const Adapter*>& adapters,
               const std::function<bool(const std::string& target)>& is_learned);

  int64_t adapter_count;
  int64_t columns = 0;
  std::vector<Segment> segments;
};

class MergerCoefficients {
 public:
  /// All ones.
  explicit MergerCoefficients(MergerLayout layout, at::ScalarType dtype = at::kFloat);

  const MergerLayout layout;
  /// [K, columns], a leaf that requires gradient. Entries of targets that an adapter does not touch stay 1.
  at::Tensor values;

  /// A view of adapter k's coefficients of one target: [size]
  at::Tensor view(int64_t adapter, const MergerLayout::Segment& segment) const;

  /// `<k>.<target>` → [size] float32, for the targets that adapter k touches.
  NamedTensors named() const;
  /// @throws Error(kIncompatible) if a tensor is missing, left over or has another size
  void load(const NamedTensors& named);

  /// Mean |m − 1| over the learned entries: how far the merge is from the direct one.
  double mean_movement() const;
  /// The same for each adapter, [K].
  std::vector<double> movements() const;

 private:
  at::Tensor held_mask() const;  // [K, columns] bool
};

/// Adapter k with its coefficients folded into the down factors of the learned targets (float32); the other
/// layers stay as they are. Exact: up @ (down · diag m) = (up @ down) · diag m.
Adapter fold_coefficients(const Adapter& adapter, const MergerCoefficients& coefficients, int64_t k);

/// Shapes m as a factor for a down factor's columns: [in] for a linear layer, [in, 1, 1] for a convolution.
at::Tensor as_column_factor(const at::Tensor& m, const at::Tensor& down);

}  // namespace ziplora
