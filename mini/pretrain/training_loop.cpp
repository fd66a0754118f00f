#include "mini/pretrain/training_loop.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/scalar_tensor.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "mini/pretrain/ema.h"
#include "mini/pretrain/matrixwise_optimizer.h"
#include "mini/pretrain/trained_parameters.h"
#include "ziplora/base/error.h"
#include "ziplora/base/parallel_parts.h"
#include "ziplora/io/json_lines.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/io/sealed_safetensors.h"
#include "ziplora/nn/one_torch_thread.h"

namespace ziplora::mini {
namespace {

/// Computes the masters' gradients in an iteration.
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

/// Everything that a stage needs to go on as if it had never stopped.
class StageState {
 public:
  StageState(const TrainingPlan& plan, const TrainedParameters& parameters)
      : path_(plan.run_folder / (plan.name + ".checkpoint.safetensors")), parameters_(parameters) {}

  /// @return the next iteration: 0 without a checkpoint
  int64_t restore(MatrixwiseOptimizer& optimizer, Ema& ema) const {
    if (!std::filesystem::exists(path_)) return 0;
    const at::NoGradGuard no_grad;
    const SafetensorsFile file(path_);
    require_seal(file, "pretrain: " + path_.string(), "remove the file to begin this stage anew");
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
    write_sealed_safetensors(path_, tensors, {});
  }

 private:
  std::filesystem::path path_;
  const TrainedParameters& parameters_;
};

void append_metrics(const TrainingPlan& plan, int64_t iteration, double loss, double seconds,
                    const Metrics& metrics) {
  nlohmann::json line = {
      {"iteration", iteration}, {"loss", loss}, {"lr", learning_rate(plan, iteration)}, {"seconds", seconds}};
  for (const auto& [name, value] : metrics) line[name] = value;
  append_json_line(plan.run_folder / (plan.name + ".metrics.jsonl"), line, "--run-folder");
}

/// A run with the same draws would diverge again.
std::string hint_after_divergence(const TrainingPlan& plan) {
  const std::string change =
      plan.lr_flag.empty() ? "another --seed" : fmt::format("a lower {} (it was {})", plan.lr_flag, plan.lr);
  return "run the same command again with " + change + ": it goes on from the last checkpoint";
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
      const auto started = std::chrono::steady_clock::now();
      auto [loss, metrics] = compute_gradients(iteration, replicas, parts, parameters);
      if (!std::isfinite(loss))
        throw Error(ErrorKind::kNonFinite, "pretrain " + plan.name,
                    "the loss is not finite at iteration " + std::to_string(iteration),
                    hint_after_divergence(plan));
      clip_gradient_norm(parameters.masters(), plan.max_gradient_norm);
      optimizer.step(learning_rate(plan, iteration));
      parameters.forget_gradients();
      parameters.fill_modules();
      ema.update();
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
      append_metrics(plan, iteration, loss, seconds.count(), metrics);
      metrics.insert(metrics.begin(), {"loss", loss});
      stage.step(metrics);

      const int64_t done = iteration + 1;
      const bool shows = plan.sample_every > 0 && (done % plan.sample_every == 0 || done == plan.iterations);
      // Before a sample, too: it may save averaged weights, with which the next run would begin.
      if (cancel.cancelled() || done % plan.checkpoint_every == 0 || done == plan.iterations || shows)
        state.save(optimizer, ema, done);
      if (cancel.cancelled())
        throw Error(ErrorKind::kInterrupted, "pretrain " + plan.name,
                    "interrupted after " + std::to_string(done) + " of " + std::to_string(plan.iterations) +
                        " iterations; its checkpoint is saved",
                    "run the same command again to go on from here");
      if (shows) {
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

}  // namespace ziplora::mini
