#pragma once
/// Puts adapters into the slots of a model, stacked along the rank. Each row of a batch can use each adapter
/// at its own strength. ΔW is never built: K adapters cost two thin products per layer. Where adapters change
/// biases and norms, the model gets the base's vector plus their differences, one vector per row where the
/// rows differ (nn/row_wise_vector.h).
///
///     AttachedAdapters attached(components, {&subject, &style});
///     // [B, K]: base (0, 0), subject (1, 0), style (0, 1), both (1, 1)
///     attached.set_row_weights(weights);
///     unet.forward(…);  // all rows in one pass
///     // the end of the scope empties the slots
///
/// Does not learn: merge/ and train/ fill the slots of `adapter_slots` with factors of their own. Does not
/// add ΔW to the base's weights: bake.h does. Source of the update: LoRA, arXiv 2106.09685, eq. 3, with the
/// scale lora_alpha / rank folded into up.

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "ziplora/lora/adapter.h"
#include "ziplora/nn/adapter_slot.h"
#include "ziplora/nn/module.h"

namespace ziplora {

/// Component name → module: {"unet", …}, {"text_encoder", …}, {"text_encoder_2", …}
using Components = std::map<std::string, Module*>;

/// A layer that an adapter can change.
struct SlotInModel {
  AdapterSlot* slot;
  /// The base's, [out, in] or [out, in, kh, kw]; gives dtype and device. Do not write to it.
  at::Tensor weight;

  bool is_convolution() const { return weight.dim() == 4; }
};

/// Every Linear and Conv2d of the components by canonical target.
std::map<std::string, SlotInModel> adapter_slots(const Components& components);

class AttachedAdapters {
 public:
  /// The factors are converted to each layer's dtype and device (the scale is folded in float32 first).
  /// @throws Error(kIncompatible) naming the target with the found and the needed shapes, or the targets that
  ///         the model lacks (then no slot is touched), or the vectors; Error(kInternal) if a slot is already
  ///         taken
  AttachedAdapters(const Components& components, const std::vector<const Adapter*>& adapters);
  ~AttachedAdapters();
  AttachedAdapters(const AttachedAdapters&) = delete;
  AttachedAdapters& operator=(const AttachedAdapters&) = delete;

  /// @param weights  [B, K] float32, one strength per row and adapter; undefined: 1 for every adapter in
  ///                 every row
  /// @throws Error(kInternal) unless it has one column per adapter
  void set_row_weights(const at::Tensor& weights);
  /// The same for the factors of one layer, until the next call for all.
  /// @throws Error(kInternal) for a target that no adapter changes
  void set_row_weights(const std::string& target, const at::Tensor& weights);

  int64_t num_adapters() const { return num_adapters_; }

 private:
  struct Attached {
    std::string target;
    AdapterSlot* slot;
    LowRankUpdate update;        // without gate
    at::Tensor adapter_of_rank;  // [R] int64: the column of `weights` that each rank takes
  };
  struct AttachedVector {
    at::Tensor* parameter;
    at::Tensor original;    // [n]
    at::Tensor deltas;      // [k, n], one row per adapter that changes this vector
    at::Tensor adapter_of;  // [k] int64
  };
  void attach_vectors(const Components& components, const std::vector<const Adapter*>& adapters);
  void check(const at::Tensor& weights) const;
  static void wear(const Attached& attached, const at::Tensor& weights);
  std::vector<Attached> attached_;  // by target, ascending
  std::vector<AttachedVector> vectors_;
  int64_t num_adapters_;
};

}  // namespace ziplora
