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

/// Everything a stage needs to go on as if it had never stopped.
class StageState {
 public:
  StageState(const TrainingPlan& plan, const std::map<std::string, Module*>& modules)
      : path_(plan.run_folder / (plan.name + ".checkpoint.safetensors")), parameters_(collect(modules)) {
    for (const auto& [name, parameter] : parameters_) tensors_.push_back(parameter);
  }

  const std::vector<at::Tensor>& tensors() const { return tensors_; }

  /// @return the next iteration: 0 without a checkpoint
  int64_t restore(Adam& optimizer, Ema& ema) const {
    if (!std::filesystem::exists(path_)) return 0;
    const at::NoGradGuard no_grad;
    const SafetensorsFile file(path_);
    NamedTensors optimizer_state;
    std::vector<at::Tensor> averages;
    for (const auto& [name, parameter] : parameters_) {
      parameter.detach().copy_(file.tensor("parameter." + name));
      averages.push_back(file.tensor("average." + name));
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
    for (const auto& [name, parameter] : parameters_) {
      tensors["parameter." + name] = parameter.detach();
      tensors["average." + name] = ema.averages()[index++];
    }
    for (const auto& [name, tensor] : optimizer.state()) tensors["optimizer." + name] = tensor;
    tensors["iteration"] = at::scalar_tensor(next_iteration, at::kLong);
    write_safetensors(path_, tensors);
  }

 private:
  static std::vector<std::pair<std::string, at::Tensor>> collect(
      const std::map<std::string, Module*>& modules) {
    std::vector<std::pair<std::string, at::Tensor>> result;
    for (const auto& [name, module] : modules)
      module->for_each_parameter(
          [&, prefix = name + "."](const std::string& path, Module::Parameter& parameter) {
            result.emplace_back(prefix + path, *parameter.tensor);
          });
    return result;
  }

  std::filesystem::path path_;
  std::vector<std::pair<std::string, at::Tensor>> parameters_;
  std::vector<at::Tensor> tensors_;
};

void append_metrics(const TrainingPlan& plan, int64_t iteration, double loss, const Metrics& metrics) {
  nlohmann::json line = {{"iteration", iteration}, {"loss", loss}};
  for (const auto& [name, value] : metrics) line[name] = value;
  std::ofstream(plan.run_folder / (plan.name + ".metrics.jsonl"), std::ios::app) << line.dump() << "\n";
}

}  // namespace

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
  for (const auto& [name, module] : modules) module->requires_grad(true);
  const StageState state(plan, modules);
  Adam optimizer(state.tensors(),
                 {.lr = plan.lr, .beta2 = plan.beta2, .weight_decay = plan.weight_decay, .decoupled = true});
  Ema ema(state.tensors(), plan.ema_decay);
  const int64_t first = state.restore(optimizer, ema);

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
      clip_gradient_norm(state.tensors(), plan.max_gradient_norm);
      optimizer.step(learning_rate(plan, iteration));
      ema.update();
      append_metrics(plan, iteration, loss, now.metrics);
      now.metrics.insert(now.metrics.begin(), {"loss", loss});
      stage.step(now.metrics);

      const int64_t done = iteration + 1;
      if (cancel.cancelled() || done % plan.checkpoint_every == 0 || done == plan.iterations)
        state.save(optimizer, ema, done);
      cancel.throw_if_cancelled("pretrain " + plan.name, "run the same command again to go on from here");
      if (plan.sample_every > 0 && (done % plan.sample_every == 0 || done == plan.iterations)) {
        ema.swap();
        sample(done);
        ema.swap();
      }
    }
  }
  ema.swap();
  optimizer.zero_grad();
  for (const auto& [name, module] : modules) module->requires_grad(false);
}

}  // namespace ziplora
