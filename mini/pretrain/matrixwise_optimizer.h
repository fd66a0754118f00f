#pragma once
/// Muon for the matrices of a network, AdamW for the rest: vectors, and matrices with few rows or columns.

#include <algorithm>
#include <optional>
#include <vector>

#include "mini/pretrain/muon.h"
#include "mini/pretrain/training_loop.h"
#include "ziplora/optim/adam.h"

namespace ziplora::mini {

class MatrixwiseOptimizer {
 public:
  /// @param threads  that share Muon's matrices
  MatrixwiseOptimizer(const TrainingPlan& plan, const std::vector<at::Tensor>& parameters, int64_t threads) {
    std::vector<at::Tensor> matrices, others;
    for (const at::Tensor& parameter : parameters) {
      const bool matrix =
          plan.muon && parameter.dim() >= 2 && std::min(parameter.size(0), parameter.size(1)) >= 32;
      (matrix ? matrices : others).push_back(parameter);
    }
    muon_.emplace(std::move(matrices),
                  MuonOptions{.lr = plan.lr, .weight_decay = plan.weight_decay, .threads = threads});
    adam_.emplace(
        std::move(others),
        AdamOptions{
            .lr = plan.lr, .beta2 = plan.beta2, .weight_decay = plan.weight_decay, .decoupled = true});
  }

  void step(double lr) {
    muon_->step(lr);
    adam_->step(lr);
  }
  NamedTensors state() const {
    NamedTensors state = adam_->state();
    state.merge(muon_->state());
    return state;
  }
  void load_state(const NamedTensors& state) {
    adam_->load_state(state);
    muon_->load_state(state);
  }

 private:
  std::optional<Muon> muon_;
  std::optional<Adam> adam_;
};

}  // namespace ziplora::mini
