#include "ziplora/pretrain/training_loop.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/scalar_tensor.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ziplora/base/error.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/optim/adam.h"
#include "ziplora/optim/ema.h"

namespace ziplora {
namespace {

/// A parameter's place in its module, and the float32 tensor that the optimizer improves.
struct TrainedParameter {
  std::string name;
  at::Tensor* place;
  at::Tensor master;
};

/// Float32 masters of all parameters, and what the modules hold meanwhile: the masters themselves, or copies
/// in the working dtype.
class TrainedParameters {
 public:
  TrainedParameters(const std::map<std::string, Module*>& modules, at::ScalarType working_dtype)
      : working_dtype_(working_dtype) {
    for (const auto& [name, module] : modules)
      module->for_each_parameter([&, prefix = name + "."](const std::string& path, Module::Parameter& it) {
        list_.push_back({prefix + path, it.tensor, it.tensor->detach().to(at::kFloat)});
        list_.back().master.set_requires_grad(true);
        masters_.push_back(list_.back().master);
      });
    fill_modules();
  }
  /// Leaves the masters in the modules, frozen.
  ~TrainedParameters() {
    for (TrainedParameter& parameter : list_) *parameter.place = parameter.master.detach();
  }
  TrainedParameters(const TrainedParameters&) = delete;
  TrainedParameters& operator=(const TrainedParameters&) = delete;

  const std::vector<TrainedParameter>& list() const { return list_; }
  const std::vector<at::Tensor>& masters() const { return masters_; }

  /// After the masters changed.
  void fill_modules() {
    const at::NoGradGuard no_grad;
    for (TrainedParameter& parameter : list_) {
      if (working_dtype_ == at::kFloat) {
        *parameter.place = parameter.master;
      } else if (parameter.place->scalar_type() == working_dtype_ && parameter.place->requires_grad()) {
        parameter.place->detach().copy_(parameter.master);
      } else {
        *parameter.place = parameter.master.detach().to(working_dtype_).set_requires_grad(true);
      }
    }
  }
  /// After a backward pass: the masters' gradients, in float32.
  void collect_gradients() {
    if (working_dtype_ == at::kFloat) return;
    for (TrainedParameter& parameter : list_) {
      const at::Tensor& gradient = parameter.place->grad();
      parameter.master.mutable_grad() = gradient.defined() ? gradient.to(at::kFloat) : at::Tensor();
      parameter.place->mutable_grad() = at::Tensor();
    }
  }

 private:
  at::ScalarType working_dtype_;
  std::vector<TrainedParameter> list_;
  std::vector<at::Tensor> masters_;
};

/// Everything a stage needs to go on as if it had never stopped.
class StageState {
 public:
  StageState(const TrainingPlan& plan, const TrainedParameters& parameters)
      : path_(plan.run_folder / (plan.name + ".checkpoint.safetensors")), parameters_(parameters) {}

  /// @return the next iteration: 0 without a checkpoint
  int64_t restore(Adam& optimizer, Ema& ema) const {
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

  void save(const Adam& optimizer, const Ema& ema, int64_t next_iteration) const {
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

void train_stage(const TrainingPlan& plan, const std::map<std::string, Module*>& modules,
                 const std::function<TrainingStep(int64_t)>& step, const std::function<void(int64_t)>& sample,
                 ProgressSink& progress, const CancelToken& cancel) {
  std::filesystem::create_directories(plan.run_folder / "samples");
  TrainedParameters parameters(modules, plan.working_dtype);
  const StageState state(plan, parameters);
  Adam optimizer(parameters.masters(),
                 {.lr = plan.lr, .beta2 = plan.beta2, .weight_decay = plan.weight_decay, .decoupled = true});
  Ema ema(parameters.masters(), plan.ema_decay);
  const int64_t first = state.restore(optimizer, ema);
  parameters.fill_modules();

  {
    Stage stage(progress, plan.name, plan.iterations, first);
    for (int64_t iteration = first; iteration < plan.iterations; ++iteration) {
      TrainingStep now = step(iteration);
      const double loss = now.loss.item<double>();
      if (!std::isfinite(loss))
        throw Error(ErrorKind::kNonFinite, "pretrain " + plan.name,
                    "the loss is not finite at iteration " + std::to_string(iteration),
                    "resume from the last checkpoint with a lower --lr");
      optimizer.zero_grad();
      now.loss.backward();
      parameters.collect_gradients();
      clip_gradient_norm(parameters.masters(), plan.max_gradient_norm);
      optimizer.step(learning_rate(plan, iteration));
      parameters.fill_modules();
      ema.update();
      append_metrics(plan, iteration, loss, now.metrics);
      now.metrics.insert(now.metrics.begin(), {"loss", loss});
      stage.step(now.metrics);

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
  optimizer.zero_grad();
}

}  // namespace ziplora
