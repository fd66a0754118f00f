#pragma once
/// Float32 master copies of the trained parameters, and the copies that the replicas compute with.
///
///     TrainedParameters parameters(replicas, at::kBFloat16);
///     gradients[part] = parameters.take_gradients(replica);   // after its backward pass, in its thread
///     parameters.set_gradients(std::move(gradients));         // on the masters, for the optimizer
///     parameters.fill_modules();                              // after the masters have changed

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "mini/pretrain/training_loop.h"

namespace ziplora::mini {

struct TrainedParameter {
  std::string name;
  std::vector<at::Tensor*> places;  ///< in the replicas' modules
  at::Tensor master;                ///< float32, contiguous; the optimizer updates it
};

/// Each replica holds leaves of its own that share the masters' memory, or copies in the working dtype.
class TrainedParameters {
 public:
  TrainedParameters(const std::vector<Replica>& replicas, at::ScalarType working_dtype);
  /// Leaves the masters in the modules, frozen.
  ~TrainedParameters();
  TrainedParameters(const TrainedParameters&) = delete;
  TrainedParameters& operator=(const TrainedParameters&) = delete;

  const std::vector<TrainedParameter>& list() const { return list_; }
  const std::vector<at::Tensor>& masters() const { return masters_; }

  /// Call it after the masters have changed.
  void fill_modules();
  /// Moves a replica's gradients out, in float32; undefined where there are none.
  std::vector<at::Tensor> take_gradients(size_t replica);
  /// Gives the masters the mean of the parts' gradients, summed in the parts' order.
  void set_gradients(std::vector<std::vector<at::Tensor>> of_parts);
  void forget_gradients();

 private:
  at::ScalarType working_dtype_;
  std::vector<TrainedParameter> list_;
  std::vector<at::Tensor> masters_;
};

}  // namespace ziplora::mini
