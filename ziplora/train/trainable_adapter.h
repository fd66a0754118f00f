#pragma once
/// A LoRA that learns: float32 factors with gradient, in the slots of a UNet whose own weights are frozen.
///
///     TrainableAdapter adapter(base.unet, {.rank = 64, .lora_alpha = 64}, make_generator(seed));
///     adapter.bind(at::kFloat);               // once per forward pass
///     loss(base.unet.forward(…)).backward();  // gradients are in adapter.parameters()
///     Adapter result = adapter.snapshot();    // leaving the scope empties the slots
///
/// Initialised as in the LoRA paper (arXiv 2106.09685) and PEFT: `down` uniform (kaiming, a = √5), `up` zero,
/// so training starts exactly at the base. The factors are the float32 master copy whatever the base's dtype;
/// the slots see `down` and `scale · up`, cast to the base's dtype inside the graph. It knows no loss and no
/// optimizer.

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "ziplora/io/safetensors.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/models/unet_2d_condition.h"
#include "ziplora/nn/linear.h"

namespace ziplora {

struct TrainableAdapterOptions {
  int64_t rank = 64;
  double lora_alpha = 64;
  std::string targets = "attention";  ///< a name of trained_targets()
};

class TrainableAdapter {
 public:
  /// Freezes the UNet's weights and makes one pair of factors per target.
  /// @param generator  of the initial `down` factors, drawn on the CPU in the UNet's order of modules
  TrainableAdapter(UNet2DConditionModel& unet, const TrainableAdapterOptions& options,
                   at::Generator generator);
  ~TrainableAdapter();
  TrainableAdapter(const TrainableAdapter&) = delete;
  TrainableAdapter& operator=(const TrainableAdapter&) = delete;

  /// Fills the slots for the next forward pass. `scale · up` is a node of the graph, so that the optimizer
  /// updates the factors themselves, as with PEFT.
  /// @param dtype  of the base's weights
  void bind(at::ScalarType dtype);

  /// down, up, down, up, … in the UNet's order; leaves with gradient.
  std::vector<at::Tensor> parameters() const;

  /// `<target>.down`, `<target>.up`, by canonical target; they share storage with the factors.
  NamedTensors factors() const;
  /// Copies values into the factors.
  /// @throws Error(kIncompatible) for missing, unexpected or misshapen factors, naming the first
  void load_factors(const NamedTensors& factors, const std::string& source);

  /// The factors as they are now, copied to the CPU.
  Adapter snapshot() const;

  const TrainableAdapterOptions options;

 private:
  struct Layer {
    std::string target;  // canonical
    Linear* linear;
    at::Tensor down;  // [rank, in]
    at::Tensor up;    // [out, rank]
  };
  std::vector<Layer> layers_;
};

}  // namespace ziplora
