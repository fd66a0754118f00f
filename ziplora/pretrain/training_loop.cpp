#include "ziplora/pretrain/training_loop.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "ziplora/base/error.h"
#include "ziplora/base/parallel_parts.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/optim/adam.h"
#include "ziplora/optim/ema.h"
#include "ziplora/optim/muon.h"

namespace ziplora {
namespace {

/// What is trained: its name, the places that it has in the replicas, and the float32 tensor that the
/// optimizer improves.
struct TrainedParameter {
  std::string name;
  std::vector<at::Tensor*> places;
  at::Tensor master;
};

/// Float32 masters of all parameters. Each replica meanwhile holds leaves of its own that share the masters'
/// memory, or copies in the working dtype.
class TrainedParameters {
 public:
  TrainedParameters(const std::vector<Replica>& replicas, at::ScalarType working_dtype)
      : working_dtype_(working_dtype) {
    for (const Replica& replica : replicas) {
      size_t index = 0;
      for (const auto& [name, module] : replica.modules)
        module->for_each_parameter([&, prefix = name + "."](const std::string& path, Module::Parameter& it) {
          if (&replica == &replicas.front()) {
            list_.push_back({prefix + path, {}, it.tensor->detach().to(at::kFloat)});
            masters_.push_back(list_.back().master);
          }
          list_[index++].places.push_back(it.tensor);
        });
    }
    for (TrainedParameter& parameter : list_)
      for (at::Tensor* place : parameter.places)
        *place = parameter.master.detach().to(working_dtype_).set_requires_grad(true);
  }
  /// Leaves the masters in the modules, frozen.
  ~TrainedParameters() {
    for (TrainedParameter& parameter : list_)
      for (at::Tensor* place : parameter.places) *place = parameter.master.detach();
  }
  TrainedParameters(const TrainedParameters&) = delete;
  TrainedParameters& operator=(const TrainedParameters&) = delete;

  const std::vector<TrainedParameter>& list() const { return list_; }
  const std::vector<at::Tensor>& masters() const { return masters_; }

  /// After the masters changed.
  void fill_modules() {
    if (working_dtype_ == at::kFloat) return;
    const at::NoGradGuard no_grad;
    for (TrainedParameter& parameter : list_)
      for (at::Tensor* place : parameter.places) place->detach().copy_(parameter.master);
  }
  /// A replica's gradients in float32, undefined where there are none; it keeps none.
  std::vector<at::Tensor> take_gradients(size_t replica) {
    std::vector<at::Tensor> gradients;
    for (TrainedParameter& parameter : list_) {
      at::Tensor& gradient = parameter.places[replica]->mutable_grad();
      gradients.push_back(gradient.defined() ? gradient.to(at::kFloat) : at::Tensor());
      gradient = at::Tensor();
    }
    return gradients;
  }
  /// Gives the masters the mean of the parts' gradients.
  void set_gradients(std::vector<std::vector<at::Tensor>> of_parts) {
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < list_.size(); ++i) {
      at::Tensor sum;
      for (std::vector<at::Tensor>& part : of_parts) {
        if (!part[i].defined()) continue;
        if (sum.defined())
          sum.add_(part[i]);
        else
          sum = std::move(part[i]);
      }
      if (sum.defined() && of_parts.size() > 1) sum.div_(static_cast<double>(of_parts.size()));
      list_[i].master.mutable_grad() = sum;
    }
  }
  void forget_gradients() {
    for (at::Tensor& master : masters_) master.mutable_grad() = at::Tensor();
  }

 private:
  at::ScalarType working_dtype_;
  std::vector<TrainedParameter> list_;
  std::vector<at::Tensor> masters_;
};

/// With several threads of our own, PyTorch's operations take one thread each.
class OneTorchThread {
 public:
  explicit OneTorchThread(bool wanted) : before_(wanted ? at::get_num_threads() : 0) { set(1); }
  ~OneTorchThread() { set(before_); }
  OneTorchThread(const OneTorchThread&) = delete;
  OneTorchThread& operator=(const OneTorchThread&) = delete;

 private:
  void set(int threads) const {
    if (before_ > 0) at::set_num_threads(threads);
  }
  int before_;
};

/// Computes the masters' gradients of an iteration.
/// @return its mean loss, and the first part's metrics
std::pair<double, Metrics> compute_gradients(int64_t iteration, const std::vector<Replica>& replicas,
                                             int64_t parts, TrainedParameters& parameters) {
  std::vector<std::vector<at::Tensor>> gradients(static_cast<size_t>(parts));
  std::vector<double> losses(static_cast<size_t>(parts));
  Metrics metrics;
  const auto threads = static_cast<int64_t>(replicas.size());
  for_each_part(parts, threads, [&](int64_t part, int64_t thread) {
    if (thread > 0) at::set_num_threads(1);  // a new thread begins with PyTorch's default
    TrainingStep now = replicas[static_cast<size_t>(thread)].step(iteration, part);
    losses[static_cast<size_t>(part)] = now.loss.item<double>();
    now.loss.backward();
    gradients[static_cast<size_t>(part)] = parameters.take_gradients(static_cast<size_t>(thread));
    if (part == 0) metrics = std::move(now.metrics);
  });
  parameters.set_gradients(std::move(gradients));
  return {std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(parts), metrics};
}

/// Muon for the matrices, AdamW for the rest: vectors, and where few channels come in or go out.
class MatrixwiseOptimizer {
 public:
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

/// Everything a stage needs to go on as if it had never stopped.
class StageState {
 public:
  StageState(const TrainingPlan& plan, const TrainedParameters& parameters)
      : path_(plan.run_folder / (plan.name + ".checkpoint.safetensors")), parameters_(parameters) {}

  /// @return the next iteration: 0 without a checkpoint
  int64_t restore(MatrixwiseOptimizer& optimizer, Ema& ema) const {
    if (!std::filesystem::exists(path_)) return 0;
    const at::NoGradGuard no_grad;
    const SafetensorsFile file(path_);
    NamedTensors optimizer_state;
    std::vector<at::Tensor> averages;
    for (const TrainedParameter& parameter : parameters_.list()) {
      parameter.master.detach().copy_(file.tensor("parameter." + parameter.name));
      averages.push_back(file.tensor("average." + parameter.name));
    }
    const std::string prefix = "optimizer.";
    for (const auto& [name, info] : file.tensors())
      if (name.rfind(prefix, 0) == 0) optimizer_state[name.substr(prefix.size())] = file.tensor(name);
    optimizer.load_state(optimizer_state);
    const int64_t iteration = file.tensor("iteration").item<int64_t>();
    ema.restore(averages, iteration);
    return iteration;
  }

  void save(const MatrixwiseOptimizer& optimizer, const Ema& ema, int64_t next_iteration) const {
    NamedTensors tensors;
    size_t index = 0;
    for (const TrainedParameter& parameter : parameters_.list()) {
      tensors["parameter." + parameter.name] = parameter.master.detach();
      tensors["average." + parameter.name] = ema.averages()[index++];
    }
    for (const auto& [name, tensor] : optimizer.state()) tensors["optimizer." + name] = tensor;
    tensors["iteration"] = at::scalar_tensor(next_iteration, at::kLong);
    write_safetensors(path_, tensors);
  }

 private:
  std::filesystem::path path_;
  const TrainedParameters& parameters_;
};

void append_metrics(const TrainingPlan& plan, int64_t iteration, double loss, const Metrics& metrics) {
  nlohmann::json line = {{"iteration", iteration}, {"loss", loss}};
  for (const auto& [name, value] : metrics) line[name] = value;
  std::ofstream(plan.run_folder / (plan.name + ".metrics.jsonl"), std::ios::app) << line.dump() << "\n";
}

}  // namespace

at::Tensor as_input(const at::Tensor& x, const TrainingPlan& plan) {
  return x.to(plan.working_dtype,
              /*non_blocking=*/false, /*copy=*/false,
              x.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Preserve);
}

double learning_rate(const TrainingPlan& plan, int64_t iteration) {
  const double done = static_cast<double>(iteration);
  const double warm =
      std::min(1.0, (done + 1) / static_cast<double>(std::max<int64_t>(1, plan.warmup_iterations)));
  const double total = static_cast<double>(plan.iterations);
  const double decay_start = total * (1 - plan.decay_fraction);
  const double left = done < decay_start ? 1.0 : (total - done) / (total - decay_start);
  return plan.lr * warm * std::max(0.01, left);
}

void train_stage(const TrainingPlan& plan, const std::vector<Replica>& replicas, int64_t parts,
                 const std::function<void(int64_t)>& sample, ProgressSink& progress,
                 const CancelToken& cancel) {
  std::filesystem::create_directories(plan.run_folder / "samples");
  const OneTorchThread one(replicas.size() > 1);
  TrainedParameters parameters(replicas, plan.working_dtype);
  const StageState state(plan, parameters);
  MatrixwiseOptimizer optimizer(plan, parameters.masters(), static_cast<int64_t>(replicas.size()));
  Ema ema(parameters.masters(), plan.ema_decay);
  const int64_t first = state.restore(optimizer, ema);
  parameters.fill_modules();

  {
    Stage stage(progress, plan.name, plan.iterations, first);
    for (int64_t iteration = first; iteration < plan.iterations; ++iteration) {
      auto [loss, metrics] = compute_gradients(iteration, replicas, parts, parameters);
      if (!std::isfinite(loss))
        throw Error(ErrorKind::kNonFinite, "pretrain " + plan.name,
                    "the loss is not finite at iteration " + std::to_string(iteration),
                    "resume from the last checkpoint with a lower --lr");
      clip_gradient_norm(parameters.masters(), plan.max_gradient_norm);
      optimizer.step(learning_rate(plan, iteration));
      parameters.forget_gradients();
      parameters.fill_modules();
      ema.update();
      append_metrics(plan, iteration, loss, metrics);
      metrics.insert(metrics.begin(), {"loss", loss});
      stage.step(metrics);

      const int64_t done = iteration + 1;
      if (cancel.cancelled() || done % plan.checkpoint_every == 0 || done == plan.iterations)
        state.save(optimizer, ema, done);
      if (cancel.cancelled())
        throw Error(ErrorKind::kInterrupted, "pretrain " + plan.name,
                    "interrupted after " + std::to_string(done) + " of " + std::to_string(plan.iterations) +
                        " iterations; its checkpoint is saved",
                    "run the same command again to go on from here");
      if (plan.sample_every > 0 && (done % plan.sample_every == 0 || done == plan.iterations)) {
        ema.swap();
        parameters.fill_modules();
        sample(done);
        ema.swap();
        parameters.fill_modules();
      }
    }
  }
  ema.swap();
}

void train_stage(const TrainingPlan& plan, const std::map<std::string, Module*>& modules,
                 const std::function<TrainingStep(int64_t)>& step, const std::function<void(int64_t)>& sample,
                 ProgressSink& progress, const CancelToken& cancel) {
  train_stage(plan, {{modules, [&step](int64_t iteration, int64_t) { return step(iteration); }}}, /*parts=*/1,
              sample, progress, cancel);
}

}  // namespace ziplora
