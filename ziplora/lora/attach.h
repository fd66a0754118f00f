#pragma once
/// Puts adapters into the slots of a model, stacked along the rank; each row of a batch weighs each adapter
/// by itself.
///
///     AttachedAdapters attached(base, {&subject, &style});
///     attached.set_row_weights(weights);   // [B, K]: rows base (0,0), subject (1,0), style (0,1), direct
///     (1,1) unet.forward(…);                     // every adapter in one pass
///     // leaving the scope empties the slots

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

class AttachedAdapters {
 public:
  /// @throws Error(kIncompatible) naming target, found and needed shapes
  AttachedAdapters(const Components& components, const std::vector<const Adapter*>& adapters);
  ~AttachedAdapters();
  AttachedAdapters(const AttachedAdapters&) = delete;
  AttachedAdapters& operator=(const AttachedAdapters&) = delete;

  /// @param weights  [B, K] float32, one strength per row and adapter; undefined: every adapter at 1 in every
  /// row
  void set_row_weights(const at::Tensor& weights);

 private:
  struct Attached {
    AdapterSlot* slot;
    LowRankUpdate update;                  // without gate
    std::vector<int64_t> adapter_of_rank;  // length R
  };
  std::vector<Attached> attached_;
};

}  // namespace ziplora
