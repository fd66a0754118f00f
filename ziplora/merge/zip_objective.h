#pragma once
/// ZipLoRA's loss and its gradient in the merger coefficients, without a dense ΔW anywhere:
///
///     L = Σ_k ‖ε(merged; x_k, p_k) − ε(adapter k alone; x_k, p_k)‖² + λ Σ_layers Σ_{i<j} overlap(m_i, m_j)
///
/// and beyond the paper, with a weight c above 0, a term for the prompt that names subject and style together:
///
///     c · ‖ε(merged; x_J, p_J) − ε(Σ_k g_k ΔW_k; x_J, p_J)‖²
///
/// All inputs are rows of one batch. One pass without gradient gives the targets: the stacked plain
/// factors, each row gated to its own adapter, a joint one to the shares g. One pass with gradient gives the merged predictions: the same
/// stack with the coefficients folded into the thin down factors, [m_1 ⊙ down_1; …; m_K ⊙ down_K]. Layers
/// that are not learned hold the plain sum.
///
///     ZipObjective objective(components, {{&subject, 1.0}, {&style, 1.0}}, coefficients, predict, {});
///     ZipLosses losses = objective.backward(batch);   // sets coefficients.values.grad()
///
/// Source: arXiv 2311.13600, equation 3; the folding is exact. Proven: tests/parity/test_zip.py against a
/// dense formulation, zip_objective_test.cpp by finite differences. Leaves out drawing batches (zip_inputs.h)
/// and the optimizer (zip_loop.h).

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "ziplora/lora/attach.h"
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/merger_coefficients.h"
#include "ziplora/merge/overlap.h"
#include "ziplora/models/unet_2d_condition.h"
#include "ziplora/nn/adapter_slot.h"

namespace ziplora {

/// rows = K·n in order of adapters: rows k·n … k·n+n−1 are inputs of adapter k. For each joint term n more follow.
struct ZipBatch {
  /// [rows, C, h, w]
  at::Tensor noisy_latents;
  /// [rows] int64
  at::Tensor timesteps;
  /// The prompts through the text encoders with every adapter.
  UNetConditioning merged_conditioning;
  /// p_k through the text encoders with adapter k alone, p_J with the shares.
  UNetConditioning separate_conditioning;
  /// ZipObjective::separate_predictions of this batch, if they are known from an earlier pass.
  at::Tensor targets = {};
};

/// ε of a batch with whatever is in the slots: (noisy latents, timesteps, conditioning) → [rows, C, h, w]
using NoisePredictor =
    std::function<at::Tensor(const at::Tensor&, const at::Tensor&, const UNetConditioning&)>;

/// How ‖·‖² of one adapter's rows is read.
enum class FidelityReading {
  /// Mean over rows and elements, as in the public code; does not depend on the size of the images.
  kMeanSquares,
  /// Sum over elements, mean over rows: the equation as written.
  kSumSquares,
};

/// What λ multiplies.
enum class OverlapOver {
  /// The sum over layers: the equation. Its pull grows with them, from the miniature's 88 to SDXL's 560.
  kSum,
  kMean,
};

struct JointTerm {
  /// c
  double weight = 0;
  /// g, by adapter.
  std::vector<double> shares = {};
};

struct ZipObjectiveOptions {
  /// λ
  double overlap_weight = 0.01;
  const OverlapReading* overlap = &overlap_readings().front();
  OverlapOver overlap_over = OverlapOver::kSum;
  FidelityReading fidelity = FidelityReading::kMeanSquares;
  /// None in the paper.
  std::vector<JointTerm> joints = {};
};

struct ZipLosses {
  /// By adapter; then by joint term, without its weight.
  std::vector<double> fidelity;
  /// Σ_layers, without λ.
  double overlap = 0;
  double total = 0;
};

class ZipObjective {
 public:
  /// @param components    modules whose slots are used, by component name; the destructor empties the slots
  /// @param coefficients  must outlive this; its layout tells which targets are learned
  /// @throws Error(kIncompatible) naming a target that the model lacks, or whose shape differs
  ZipObjective(const Components& components, const std::vector<AdapterTerm>& adapters,
               MergerCoefficients& coefficients, NoisePredictor predict, ZipObjectiveOptions options);
  ~ZipObjective();
  ZipObjective(const ZipObjective&) = delete;
  ZipObjective& operator=(const ZipObjective&) = delete;

  /// Sets `coefficients.values.grad()`; leaves the slots as they are.
  ZipLosses backward(const ZipBatch& batch);

  /// ε of each row's own adapter alone, of joint rows with the shares; no gradient. [rows, C, h, w]
  at::Tensor separate_predictions(const ZipBatch& batch);
  /// ε of the merged adapter, differentiable in the coefficients unless a NoGradGuard is in force.
  at::Tensor merged_predictions(const ZipBatch& batch);
  /// [K + J] with J joint terms; float32, or float64 for float64 predictions.
  at::Tensor fidelity(const at::Tensor& merged, const at::Tensor& separate) const;
  /// [layers], of the learned targets with the coefficients as they are now.
  at::Tensor overlap_per_layer() const;
  /// [K, layers], of each adapter with all others.
  at::Tensor overlap_per_adapter() const;

  size_t learned_targets() const { return learned_count_; }
  size_t added_targets() const { return layers_.size() - learned_count_; }

 private:
  struct Layer {
    std::string target;
    AdapterSlot* slot;
    std::vector<at::Tensor> downs;         // plain, of the adapters that touch it
    at::Tensor stacked_down, stacked_up;   // [R, in], [out, R]; scale and strength folded into up
    std::vector<int64_t> adapters;         // which adapter each of `downs` belongs to
    std::vector<int64_t> adapter_of_rank;  // length R
    int64_t segment = -1;                  // in the layout; −1: added directly
    at::Tensor row_gate;                   // [rows, R] for `gated_rows_`
  };

  /// One for each adapter, and the joint ones.
  int64_t contexts() const;
  at::Tensor row_gate(const Layer& layer, int64_t rows) const;
  void fill_slots_separately(int64_t rows);
  void fill_slots_merged();
  void clear_slots();

  std::vector<Layer> layers_;
  MergerCoefficients& coefficients_;
  NoisePredictor predict_;
  ZipObjectiveOptions options_;
  OverlapTerm overlap_;
  size_t learned_count_ = 0;
  int64_t gated_rows_ = -1;
};

}  // namespace ziplora
