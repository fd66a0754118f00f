// The merge method `zip`: ZipLoRA, arXiv 2311.13600, for two or more adapters. The paper's settings are the
// defaults. Here: options → inputs → fidelity of the direct merge → learning → fidelity now → one ordinary
// LoRA and a report.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <set>

#include "ziplora/base/error.h"
#include "ziplora/lora/adapter_digest.h"
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/learned_targets.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/zip_inputs.h"
#include "ziplora/merge/zip_loop.h"
#include "ziplora/merge/zip_state.h"

namespace ziplora {
namespace {

MergerLayout layout_of(const std::vector<MergeInput>& inputs, const LearnedTargets& targets) {
  std::vector<const Adapter*> adapters;
  std::map<std::string, bool> is_convolution;
  for (const MergeInput& input : inputs) {
    adapters.push_back(input.adapter);
    for (const auto& [target, layer] : input.adapter->layers) is_convolution[target] = layer.is_convolution();
  }
  MergerLayout layout(adapters, [&](const std::string& target) {
    return targets.includes(target, is_convolution.at(target));
  });
  if (layout.segments.empty())
    throw Error(ErrorKind::kIncompatible, "merge: zip",
                fmt::format("none of the adapters touches a layer that --targets {} learns", targets.name),
                "try --targets all, or --method direct");
  return layout;
}

/// "subject", "style"; further ones by number, so that names in the report are unique.
std::vector<std::string> report_names(const std::vector<MergeInput>& inputs) {
  std::vector<std::string> names;
  for (const MergeInput& input : inputs) {
    int64_t same = 0;
    for (const std::string& name : names) same += name == input.role || name.starts_with(input.role + "_");
    names.push_back(same == 0 ? input.role : fmt::format("{}_{}", input.role, same + 1));
  }
  return names;
}

/// Everything that the coefficients depend on: what a resumed merge must have in common with the interrupted
/// one.
nlohmann::json settings_of(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                           const MergeContext& context) {
  nlohmann::json settings = {{"options", options},
                             {"seed", context.seed},
                             {"base", context.base->path.string()},
                             {"dtype", c10::toString(context.base->policy.dtype)}};
  for (size_t k = 0; k < inputs.size(); ++k) {
    std::vector<std::string> images;
    for (const std::filesystem::path& path : inputs[k].images) images.push_back(path.string());
    settings[fmt::format("input_{}", k)] = {{"sha256", sha256_of_adapter(inputs[k].adapter->source)},
                                            {"weight", inputs[k].weight},
                                            {"prompts", inputs[k].prompts},
                                            {"images", images}};
  }
  return settings;
}

/// Fidelity on the fixed evaluation draws; the adapters' own predictions are computed once.
class FidelityMeter {
 public:
  FidelityMeter(ZipObjective& objective, const ZipInputs& inputs, int64_t draws, ProgressSink& progress)
      : objective_(objective), inputs_(inputs), draws_(draws), progress_(progress) {}

  /// @param hint  how to go on if it is cancelled
  std::vector<double> measure(const CancelToken& cancel, const std::string& hint) {
    at::NoGradGuard no_grad;
    at::Tensor sum;
    Stage stage(progress_, "fidelity", draws_);
    for (int64_t draw = 0; draw < draws_; ++draw) {
      cancel.throw_if_cancelled("merge: zip", hint);
      const ZipBatch batch = inputs_.evaluation_batch(draw, draws_);
      if (draw == static_cast<int64_t>(separate_.size()))
        separate_.push_back(objective_.separate_predictions(batch));
      const at::Tensor fidelity = objective_.fidelity(objective_.merged_predictions(batch), separate_[draw]);
      sum = sum.defined() ? sum + fidelity : fidelity;
      stage.step();
    }
    const at::Tensor mean = (sum / static_cast<double>(draws_)).to(at::kCPU, at::kDouble);
    return {mean.data_ptr<double>(), mean.data_ptr<double>() + mean.numel()};
  }

 private:
  ZipObjective& objective_;
  const ZipInputs& inputs_;
  int64_t draws_;
  ProgressSink& progress_;
  std::vector<at::Tensor> separate_;
};

/// Overlaps as fractions of those at the start, in all, by layer and by adapter (with all others). A layer or
/// an adapter that overlaps with nothing at the start is left out.
/// @param before, after  [K, layers], ZipObjective::overlap_per_adapter
nlohmann::json overlap_report(const MergerLayout& layout, const std::vector<std::string>& names,
                              const at::Tensor& before, const at::Tensor& after) {
  const at::Tensor first = before.to(at::kCPU, at::kDouble), last = after.to(at::kCPU, at::kDouble);
  nlohmann::json per_layer = nlohmann::json::object(), per_adapter = nlohmann::json::object();
  const auto tell = [&](nlohmann::json& where, const std::string& name, const at::Tensor& start,
                        const at::Tensor& end) {
    if (start.sum().item<double>() > 0) where[name] = end.sum().item<double>() / start.sum().item<double>();
  };
  for (int64_t layer = 0; layer < first.size(1); ++layer)
    tell(per_layer, layout.segments[layer].target, first.select(1, layer), last.select(1, layer));
  for (int64_t k = 0; k < first.size(0); ++k) tell(per_adapter, names[k], first[k], last[k]);
  const double start = first.sum().item<double>() / 2,
               end = last.sum().item<double>() / 2;  // pairs, once each
  return {{"before", start > 0 ? 1.0 : 0.0},
          {"after", start > 0 ? end / start : 0.0},
          {"unnormalised", {{"before", start}, {"after", end}}},
          {"per_layer", per_layer},
          {"per_adapter", per_adapter}};
}

MergerCoefficients coefficients_on(const at::Device& device, MergerLayout layout) {
  MergerCoefficients coefficients(std::move(layout));
  coefficients.values = coefficients.values.detach().to(device).set_requires_grad(true);
  return coefficients;
}

std::vector<WeightedAdapter> weighted(const std::vector<MergeInput>& inputs) {
  std::vector<WeightedAdapter> adapters;
  for (const MergeInput& input : inputs) adapters.push_back({input.adapter, input.weight});
  return adapters;
}

/// One merge; its members in the order in which they come to be.
class ZipMerge {
 public:
  ZipMerge(const std::vector<MergeInput>& inputs, const nlohmann::json& options, MergeContext& context)
      : inputs_(inputs),
        options_(options),
        context_(context),
        names_(report_names(inputs)),
        settings_(settings_of(inputs, options, context)),
        state_(context.resume ? read_zip_state(context.state_path, settings_) : ZipState{}),
        targets_(find_learned_targets(options["targets"])),
        coefficients_(coefficients_on(context.base->policy.device, layout_of(inputs, targets_))),
        zip_inputs_(*context.base, inputs,
                    {.images = options["images"],
                     .image_steps = options["image-steps"],
                     .image_guidance_scale = options["image-guidance-scale"],
                     .image_size = options["image-size"],
                     .rows_each = options["batch-size"]},
                    context.seed, *context.progress, *context.cancel, state_.latents),
        objective_(Components{{"unet", &context.base->unet}}, weighted(inputs), coefficients_, predictor(),
                   {.overlap_weight = options["overlap-weight"],
                    .overlap = &find_overlap_reading(options["overlap"]),
                    .fidelity = options["fidelity"] == "sum-squares" ? FidelityReading::kSumSquares
                                                                     : FidelityReading::kMeanSquares}),
        optimizer_({coefficients_.values}, {.lr = options["learning-rate"]}) {
    context.base->unet.requires_grad(false);
    context.base->unet.set_gradient_checkpointing(options["gradient-checkpointing"]);
  }

  MergeResult run() {
    tell_targets();
    FidelityMeter meter(objective_, zip_inputs_, options_["evaluation-draws"], *context_.progress);
    // A state that is resumed stays as it is until something more has been learned.
    const std::vector<double> fidelity_before = meter.measure(*context_.cancel, "run the same command again");
    const at::Tensor overlap_before = objective_.overlap_per_adapter().detach();
    if (context_.resume) {
      coefficients_.load(state_.coefficients);
      optimizer_.load_state(state_.optimizer);
    }

    const int64_t first_iteration = optimizer_.step_count();
    const double learning_seconds = learn(overlap_before.sum().item<double>() / 2);
    const int64_t iterations = optimizer_.step_count() - first_iteration;
    const std::string resume_hint = keep_state();
    if (context_.cancel->cancelled())
      throw Error(ErrorKind::kInterrupted, "merge: zip",
                  fmt::format("interrupted after {} of {} iterations", optimizer_.step_count(),
                              options_["iterations"].get<int64_t>()),
                  resume_hint);
    const std::vector<double> fidelity_after = meter.measure(*context_.cancel, resume_hint);

    MergeResult result{.adapter = merged(), .report = {}, .coefficients = coefficients_.named()};
    nlohmann::json& report = result.report;
    for (size_t k = 0; k < names_.size(); ++k)
      report["fidelity"][names_[k]] = {{"before", fidelity_before[k]}, {"after", fidelity_after[k]}};
    report["overlap"] = overlap_report(coefficients_.layout, names_, overlap_before,
                                       objective_.overlap_per_adapter().detach());
    report["mean_movement"] = coefficients_.mean_movement();
    const std::vector<double> movements = coefficients_.movements();
    for (size_t k = 0; k < names_.size(); ++k) report["movement"][names_[k]] = movements[k];
    report["iterations"] = optimizer_.step_count();
    report["learned_layers"] = objective_.learned_targets();
    report["added_layers"] = objective_.added_targets() + text_layers();
    report["coefficients"] = coefficients_.layout.columns * coefficients_.layout.adapter_count;
    report["seconds_per_iteration"] =
        iterations > 0 ? learning_seconds / static_cast<double>(iterations) : 0.0;
    report["history"] = history_;
    return result;
  }

 private:
  NoisePredictor predictor() const {
    return [&base = *context_.base](const at::Tensor& noisy, const at::Tensor& timesteps,
                                    const UNetConditioning& conditioning) {
      return base.unet.forward(noisy.to(base.policy.dtype), timesteps, conditioning);
    };
  }

  size_t text_layers() const {
    std::set<std::string> found;
    for (const MergeInput& input : inputs_)
      for (const auto& [target, layer] : input.adapter->layers)
        if (!is_in_unet(target)) found.insert(target);
    return found.size();
  }

  void tell_targets() const {
    context_.progress->note(
        fmt::format("{} layers are learned (--targets {}); {} other layers of the UNet and {} of the text "
                    "encoders are added directly",
                    objective_.learned_targets(), targets_.name, objective_.added_targets(), text_layers()));
  }

  /// Ends early when cancelled. @return seconds spent
  double learn(double overlap_at_start) {
    const int64_t iterations = options_["iterations"];
    Stage stage(*context_.progress, "zip", iterations, optimizer_.step_count());
    learn_coefficients(
        objective_, optimizer_, [&](int64_t iteration) { return zip_inputs_.training_batch(iteration); },
        overlap_at_start, {.iterations = iterations, .stop_overlap = options_["stop-overlap"]},
        [&](int64_t iteration, const ZipLosses& losses) {
          Metrics metrics{{"loss", losses.total}};
          for (size_t k = 0; k < names_.size(); ++k)
            metrics.emplace_back("loss_" + names_[k], losses.fidelity[k]);
          metrics.emplace_back("overlap", overlap_at_start > 0 ? losses.overlap / overlap_at_start : 0.0);
          stage.step(metrics);
          nlohmann::json row = {{"iteration", iteration + 1}};
          for (const auto& [name, value] : metrics) row[name] = value;
          history_.push_back(row);
          return !context_.cancel->cancelled();
        });
    return stage.seconds();
  }

  /// However the learning ended: the caller removes the state once the result is in a file.
  /// @return how to go on from it
  std::string keep_state() const {
    if (context_.state_path.empty()) return "run the same command again";
    write_zip_state(context_.state_path,
                    {coefficients_.named(), optimizer_.state(), zip_inputs_.latents(), settings_});
    return how_to_resume(context_.state_path);
  }

  Adapter merged() const {
    std::vector<Adapter> folded;
    for (size_t k = 0; k < inputs_.size(); ++k)
      folded.push_back(fold_coefficients(*inputs_[k].adapter, coefficients_, static_cast<int64_t>(k)));
    std::vector<WeightedAdapter> parts;
    for (size_t k = 0; k < inputs_.size(); ++k) parts.push_back({&folded[k], inputs_[k].weight});
    return concatenate(parts);
  }

  const std::vector<MergeInput>& inputs_;
  const nlohmann::json& options_;
  MergeContext& context_;
  const std::vector<std::string> names_;  // in the report, by input
  const nlohmann::json settings_;
  const ZipState state_;  // of the interrupted merge that is resumed
  const LearnedTargets& targets_;
  MergerCoefficients coefficients_;
  const ZipInputs zip_inputs_;
  ZipObjective objective_;
  Adam optimizer_;
  nlohmann::json history_ = nlohmann::json::array();
};

MergeResult run_zip(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                    MergeContext& context) {
  if (inputs.size() < 2)
    throw Error(ErrorKind::kUsage, "merge: zip",
                fmt::format("found {} adapter, expected at least two", inputs.size()),
                "add --style FILE or --adapter FILE");
  return ZipMerge(inputs, options, context).run();
}

std::vector<std::string> overlap_names() {
  std::vector<std::string> names;
  for (const OverlapReading& reading : overlap_readings()) names.push_back(reading.name);
  return names;
}

}  // namespace

MergeMethod zip_method() {
  return {
      .name = "zip",
      .summary =
          "learns one coefficient per input column of each adapter's delta (ZipLoRA, arXiv 2311.13600)",
      .needs_base = true,
      .options =
          {
              {"iterations", "optimizer updates at most", 100, {}, 0},
              {"learning-rate", "of Adam on the coefficients", 0.01, {}, 0},
              {"overlap-weight", "lambda, the weight of the overlap term", 0.01, {}, 0},
              {"overlap", "how the overlap of two coefficient vectors is read", "mean-products",
               overlap_names()},
              {"fidelity",
               "how the squared error of a prediction is read",
               "mean-squares",
               {"mean-squares", "sum-squares"}},
              {"targets", "layers that are learned; the others are added directly", "attention",
               learned_targets_names()},
              {"stop-overlap", "stop when the overlap has fallen to this fraction of its start", 0.0, {}, 0},
              {"batch-size", "inputs of each adapter in one iteration", 1, {}, 1},
              {"gradient-checkpointing", "recompute activations: less memory, about a third slower", false},
              {"images",
               "images that each adapter draws to learn on, when none are given; at least one a prompt",
               4,
               {},
               1},
              {"image-steps", "denoising steps of these images", 20, {}, 1},
              {"image-guidance-scale", "guidance of these images", 5.0, {}, 0},
              {"image-size", "side in pixels; 0: the base's own", 0, {}, 0},
              {"evaluation-draws", "fixed draws on which fidelity before and after is measured", 8, {}, 1},
          },
      .run = run_zip,
  };
}

}  // namespace ziplora
