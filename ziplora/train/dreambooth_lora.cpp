#include "ziplora/train/dreambooth_lora.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <cmath>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/optim/lr_schedule.h"

namespace ziplora {
namespace {

/// A model that predicts nothing at all has a loss of about 1 (noise of unit variance). Several times that
/// means that training has diverged.
constexpr double kDivergedLoss = 4.0;

void add_to(at::Tensor& sum, const at::Tensor& part) { sum = sum.defined() ? sum + part : part; }

std::vector<double> values_of(const std::vector<at::Tensor>& scalars) {
  std::vector<double> values;
  for (const at::Tensor& scalar : scalars) values.push_back(scalar.item<double>());
  return values;
}

}  // namespace

DreamBoothRun::DreamBoothRun(UNet2DConditionModel& unet, const NoiseSchedule& schedule,
                             const DreamBoothOptions& options)
    : unet_(unet),
      schedule_(schedule),
      options_(options),
      adapter_(unet, options.adapter, make_generator(derive_seed(options.seed, "initial factors"))),
      optimizer_(adapter_.parameters(), options.adam) {
  unet_.set_gradient_checkpointing(options.gradient_checkpointing);
}

void DreamBoothRun::restore(const TrainingCheckpoint& checkpoint, const std::string& source) {
  adapter_.load_factors(checkpoint.factors, source);
  if (checkpoint.iteration > 0) optimizer_.load_state(checkpoint.optimizer);
  iteration_ = checkpoint.iteration;
}

TrainingCheckpoint DreamBoothRun::checkpoint(bool until_safe) const {
  return {iteration_, adapter_.factors(), optimizer_.state(), {}, until_safe};
}

std::optional<TrainingCheckpoint> DreamBoothRun::state_to_keep() const {
  if (is_updating_ || non_finite_factor()) return std::nullopt;
  return checkpoint(/*until_safe=*/true);
}

void DreamBoothRun::one_iteration(const BatchSource& batches, Team& team) {
  optimizer_.zero_grad();
  at::Tensor loss_of_iteration, instance_loss;
  for (int64_t i = 0; i < options_.gradient_accumulation; ++i) {
    const TrainingBatch batch =
        rows_of_process(batches(iteration_ * options_.gradient_accumulation + i), team);
    adapter_.bind(options_.loss.unet_dtype);
    const DreamBoothLoss loss = dreambooth_loss(unet_, schedule_, batch, options_.loss);
    (loss.total / options_.gradient_accumulation).backward();
    add_to(loss_of_iteration, loss.total.detach() / options_.gradient_accumulation);
    add_to(instance_loss, loss.instance.detach() / options_.gradient_accumulation);
  }
  if (!team.is_alone()) {
    std::vector<at::Tensor> shared = optimizer_.gradients();
    shared.insert(shared.end(), {loss_of_iteration, instance_loss});
    team.average(shared);
  }
  if (options_.max_grad_norm > 0) clip_gradient_norm(adapter_.parameters(), options_.max_grad_norm);
  is_updating_ = true;
  optimizer_.step(options_.adam.lr *
                  lr_factor(options_.lr_schedule, iteration_, options_.warmup, options_.iterations));
  losses_.push_back(loss_of_iteration);
  instance_losses_.push_back(instance_loss);
  ++iteration_;
  is_updating_ = false;
}

void DreamBoothRun::save_what_is_due(const DreamBoothHooks& hooks, SaveClock& clock, size_t reported) const {
  const bool by_count =
      options_.checkpoint_every > 0 && iteration_ % options_.checkpoint_every == 0 && hooks.save_checkpoint;
  const bool by_time = !by_count && clock.is_due() && hooks.save_by_time;
  if (!by_count && !by_time) return;
  if (reported < losses_.size()) mean_loss_since(reported);  // throws if the run has diverged
  throw_if_not_finite();
  clock.save([&] {
    if (by_count)
      hooks.save_checkpoint(checkpoint(/*until_safe=*/false));
    else
      hooks.save_by_time(checkpoint(/*until_safe=*/true));
  });
}

void DreamBoothRun::train(const BatchSource& batches, const DreamBoothHooks& hooks, ProgressSink& progress,
                          const CancelToken& cancel, Team& team) {
  Stage stage(progress, "train", options_.iterations, iteration_);
  SaveClock clock(options_.checkpoint_minutes);
  size_t reported = losses_.size();
  bool is_stopped = false;
  while (iteration_ < options_.iterations) {
    if (is_stopped || cancel.cancelled()) {
      throw_if_not_finite();
      if (hooks.save_checkpoint) hooks.save_checkpoint(checkpoint(/*until_safe=*/true));
      throw Error(ErrorKind::kInterrupted, "train",
                  fmt::format("interrupted after iteration {} of {}", iteration_, options_.iterations));
    }
    try {
      one_iteration(batches, team);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInterrupted) throw;
      is_stopped = true;  // this process or another, while it waited; nothing is updated yet
      continue;
    }

    Metrics metrics;
    if (iteration_ % kReportEvery == 0 || iteration_ == options_.iterations) {
      metrics = {{"loss", mean_loss_since(reported)}};
      reported = losses_.size();
      if (hooks.record) hooks.record(iteration_, metrics);
    }
    stage.step(metrics);

    save_what_is_due(hooks, clock, reported);
    if (options_.sample_every > 0 && iteration_ % options_.sample_every == 0 && hooks.draw_sample) {
      adapter_.bind(options_.loss.unet_dtype);
      hooks.draw_sample(iteration_);
    }
  }
  throw_if_not_finite();
  adapter_.bind(options_.loss.unet_dtype);
}

double DreamBoothRun::mean_loss_since(size_t first) const {
  const std::vector<at::Tensor> window(losses_.begin() + static_cast<ptrdiff_t>(first), losses_.end());
  const double loss = at::stack(window).mean().item<double>();
  if (!std::isfinite(loss))
    throw Error(ErrorKind::kNonFinite, "train",
                fmt::format("the loss is {} near iteration {}", loss, iteration_),
                "use a lower --lr, or --dtype float32");
  if (loss > kDivergedLoss * (1 + options_.loss.prior_weight))
    throw Error(
        ErrorKind::kNonFinite, "train",
        fmt::format(
            "diverged: the loss is {:.3g} near iteration {}, and predicting nothing would give about 1", loss,
            iteration_),
        "use a lower --lr");
  return loss;
}

std::optional<std::string> DreamBoothRun::non_finite_factor() const {
  for (const auto& [name, factor] : adapter_.factors())
    if (!at::isfinite(factor).all().item<bool>()) return name;
  return std::nullopt;
}

void DreamBoothRun::throw_if_not_finite() const {
  if (const auto name = non_finite_factor())
    throw Error(ErrorKind::kNonFinite, "train",
                fmt::format("'{}' holds NaN or infinity after iteration {}", *name, iteration_),
                "use a lower --lr, or --dtype float32");
}

std::vector<double> DreamBoothRun::losses() const { return values_of(losses_); }
std::vector<double> DreamBoothRun::instance_losses() const { return values_of(instance_losses_); }

}  // namespace ziplora
