// The merge method `zip`: ZipLoRA, arXiv 2311.13600, for two or more adapters. The paper's settings are the
// defaults. Here: options → inputs → fidelity of the direct merge → learning → fidelity now → one ordinary
// LoRA and a report.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <chrono>
#include <set>

#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/io/sha256.h"
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/zip_inputs.h"
#include "ziplora/merge/zip_loop.h"
#include "ziplora/merge/zip_state.h"

namespace ziplora {
namespace {

/// Which layers are learned; the others are added directly.
struct LearnedTargets {
  const char* name;
  const char* summary;
  bool (*includes)(const std::string& target, bool is_convolution);
};

bool in_unet(const std::string& target) { return target.starts_with("unet."); }

bool in_attention(const std::string& target) {
  const bool block =
      target.find(".attn1.") != std::string::npos || target.find(".attn2.") != std::string::npos;
  return in_unet(target) && block &&
         (target.ends_with(".to_q") || target.ends_with(".to_k") || target.ends_with(".to_v") ||
          target.ends_with(".to_out.0"));
}

constexpr LearnedTargets kLearnedTargets[] = {
    {"attention", "q, k, v and out of the UNet's attention, as the paper",
     [](const std::string& target, bool) { return in_attention(target); }},
    {"linear", "every linear layer of the UNet",
     [](const std::string& target, bool is_convolution) { return in_unet(target) && !is_convolution; }},
    {"all", "every layer of the UNet", [](const std::string& target, bool) { return in_unet(target); }},
};

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const LearnedTargets& targets : kLearnedTargets) names.push_back(targets.name);
  return names;
}

const LearnedTargets& find_targets(const std::string& name) {
  for (const LearnedTargets& targets : kLearnedTargets)
    if (name == targets.name) return targets;
  throw unknown_name("merge: --targets", name, target_names());
}

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
    settings[fmt::format("input_{}", k)] = {{"sha256", sha256_of_file(inputs[k].adapter->source)},
                                            {"weight", inputs[k].weight},
                                            {"prompt", inputs[k].prompt},
                                            {"images", images}};
  }
  return settings;
}

/// Fidelity on the fixed evaluation draws; the adapters' own predictions are computed once.
class FidelityMeter {
 public:
  FidelityMeter(ZipObjective& objective, const ZipInputs& inputs, int64_t draws)
      : objective_(objective), inputs_(inputs), draws_(draws) {}

  /// @param hint  how to go on if it is cancelled
  std::vector<double> measure(const CancelToken& cancel, const std::string& hint) {
    at::NoGradGuard no_grad;
    at::Tensor sum;
    for (int64_t draw = 0; draw < draws_; ++draw) {
      cancel.throw_if_cancelled("merge: zip", hint);
      const ZipBatch batch = inputs_.evaluation_batch(draw, draws_);
      if (draw == static_cast<int64_t>(separate_.size()))
        separate_.push_back(objective_.separate_predictions(batch));
      const at::Tensor fidelity = objective_.fidelity(objective_.merged_predictions(batch), separate_[draw]);
      sum = sum.defined() ? sum + fidelity : fidelity;
    }
    const at::Tensor mean = (sum / static_cast<double>(draws_)).to(at::kCPU, at::kDouble);
    return {mean.data_ptr<double>(), mean.data_ptr<double>() + mean.numel()};
  }

 private:
  ZipObjective& objective_;
  const ZipInputs& inputs_;
  int64_t draws_;
  std::vector<at::Tensor> separate_;
};

nlohmann::json overlap_report(const MergerLayout& layout, const at::Tensor& before, const at::Tensor& after) {
  nlohmann::json per_layer = nlohmann::json::object();
  const at::Tensor first = before.to(at::kCPU, at::kDouble), last = after.to(at::kCPU, at::kDouble);
  for (size_t s = 0; s < layout.segments.size(); ++s) {
    const double start = first[s].item<double>();
    if (start > 0) per_layer[layout.segments[s].target] = last[s].item<double>() / start;
  }
  const double start = first.sum().item<double>(), end = last.sum().item<double>();
  return {{"before", start > 0 ? 1.0 : 0.0},
          {"after", start > 0 ? end / start : 0.0},
          {"unnormalised", {{"before", start}, {"after", end}}},
          {"per_layer", per_layer}};
}

MergeResult run_zip(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                    MergeContext& context) {
  if (inputs.size() < 2)
    throw Error(ErrorKind::kUsage, "merge: zip",
                fmt::format("found {} adapter, expected at least two", inputs.size()),
                "add --style FILE or --adapter FILE");
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> names = report_names(inputs);
  Sdxl& base = *context.base;
  ProgressSink& progress = *context.progress;

  const nlohmann::json settings = settings_of(inputs, options, context);
  ZipState state;
  if (context.resume) state = read_zip_state(context.state_path, settings);

  const ZipInputs zip_inputs(base, inputs,
                             {.images = options["images"],
                              .image_steps = options["image-steps"],
                              .image_guidance_scale = options["image-guidance-scale"],
                              .image_size = options["image-size"],
                              .rows_each = options["batch-size"]},
                             context.seed, progress, *context.cancel, state.latents);

  const LearnedTargets& targets = find_targets(options["targets"]);
  MergerCoefficients coefficients(layout_of(inputs, targets));
  coefficients.values = coefficients.values.detach().to(base.policy.device).set_requires_grad(true);
  std::vector<WeightedAdapter> weighted;
  for (const MergeInput& input : inputs) weighted.push_back({input.adapter, input.weight});
  base.unet.requires_grad(false);
  base.unet.set_gradient_checkpointing(options["gradient-checkpointing"]);
  ZipObjective objective(
      Components{{"unet", &base.unet}}, weighted, coefficients,
      [&base](const at::Tensor& noisy, const at::Tensor& timesteps, const UNetConditioning& conditioning) {
        return base.unet.forward(noisy.to(base.policy.dtype), timesteps, conditioning);
      },
      {.overlap_weight = options["overlap-weight"],
       .overlap = &find_overlap_reading(options["overlap"]),
       .fidelity = options["fidelity"] == "sum-squares" ? FidelityReading::kSumSquares
                                                        : FidelityReading::kMeanSquares});
  size_t text_layers = 0;
  std::set<std::string> seen;
  for (const MergeInput& input : inputs)
    for (const auto& [target, layer] : input.adapter->layers)
      if (!in_unet(target) && seen.insert(target).second) ++text_layers;
  progress.note(
      fmt::format("{} layers are learned (--targets {}); {} other layers of the UNet and {} of the text "
                  "encoders are added directly",
                  objective.learned_targets(), targets.name, objective.added_targets(), text_layers));

  FidelityMeter meter(objective, zip_inputs, options["evaluation-draws"]);
  const std::vector<double> fidelity_before = meter.measure(*context.cancel, "");
  const at::Tensor overlap_before = objective.overlap_per_layer().detach();
  const double overlap_at_start = overlap_before.sum().item<double>();

  Adam optimizer({coefficients.values}, {.lr = options["learning-rate"]});
  if (context.resume) {
    coefficients.load(state.coefficients);
    optimizer.load_state(state.optimizer);
  }

  nlohmann::json history = nlohmann::json::array();
  const int64_t iterations = options["iterations"];
  const int64_t first_iteration = optimizer.step_count();
  double learning_seconds = 0;
  {
    Stage stage(progress, "zip", iterations, first_iteration);
    learn_coefficients(
        objective, optimizer, [&](int64_t iteration) { return zip_inputs.training_batch(iteration); },
        overlap_at_start, {.iterations = iterations, .stop_overlap = options["stop-overlap"]},
        [&](int64_t iteration, const ZipLosses& losses) {
          const double overlap = overlap_at_start > 0 ? losses.overlap / overlap_at_start : 0.0;
          Metrics metrics{{"loss", losses.total}};
          nlohmann::json row = {{"iteration", iteration + 1}, {"loss", losses.total}, {"overlap", overlap}};
          for (size_t k = 0; k < names.size(); ++k) {
            metrics.emplace_back("loss_" + names[k], losses.fidelity[k]);
            row["loss_" + names[k]] = losses.fidelity[k];
          }
          metrics.emplace_back("overlap", overlap);
          stage.step(metrics);
          history.push_back(row);
          return !context.cancel->cancelled();
        });
    learning_seconds = stage.seconds();
  }
  // Kept however the learning ended, until the caller has the result in a file.
  std::string resume_hint;
  if (!context.state_path.empty()) {
    write_zip_state(context.state_path,
                    {coefficients.named(), optimizer.state(), zip_inputs.latents(), settings});
    resume_hint = fmt::format("the state is in {}; the same command with --resume goes on",
                              context.state_path.string());
  }
  if (context.cancel->cancelled())
    throw Error(ErrorKind::kInterrupted, "merge: zip",
                fmt::format("interrupted after {} of {} iterations", optimizer.step_count(), iterations),
                resume_hint);

  const std::vector<double> fidelity_after = meter.measure(*context.cancel, resume_hint);
  const int64_t iterations_now = optimizer.step_count() - first_iteration;
  MergeResult result;
  std::vector<Adapter> folded;
  for (size_t k = 0; k < inputs.size(); ++k)
    folded.push_back(fold_coefficients(*inputs[k].adapter, coefficients, static_cast<int64_t>(k)));
  std::vector<WeightedAdapter> parts;
  for (size_t k = 0; k < inputs.size(); ++k) parts.push_back({&folded[k], inputs[k].weight});
  result.adapter = concatenate(parts);
  result.coefficients = coefficients.named();
  for (size_t k = 0; k < names.size(); ++k)
    result.report["fidelity"][names[k]] = {{"before", fidelity_before[k]}, {"after", fidelity_after[k]}};
  result.report["overlap"] =
      overlap_report(coefficients.layout, overlap_before, objective.overlap_per_layer().detach());
  result.report["mean_movement"] = coefficients.mean_movement();
  result.report["iterations"] = optimizer.step_count();
  result.report["learned_layers"] = objective.learned_targets();
  result.report["added_layers"] = objective.added_targets() + text_layers;
  result.report["coefficients"] = coefficients.layout.columns * coefficients.layout.adapter_count;
  result.report["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.report["seconds_per_iteration"] =
      iterations_now > 0 ? learning_seconds / static_cast<double>(iterations_now) : 0.0;
  result.report["peak_memory_bytes"] = peak_memory_bytes();
  result.report["history"] = history;
  return result;
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
               target_names()},
              {"stop-overlap", "stop when the overlap has fallen to this fraction of its start", 0.0, {}, 0},
              {"batch-size", "inputs of each adapter in one iteration", 1, {}, 1},
              {"gradient-checkpointing", "recompute activations: less memory, about a third slower", false},
              {"images", "pictures that each adapter draws to learn on, when none are given", 4, {}, 1},
              {"image-steps", "denoising steps of these pictures", 20, {}, 1},
              {"image-guidance-scale", "guidance of these pictures", 5.0, {}, 0},
              {"image-size", "side in pixels; 0: the base's own", 0, {}, 0},
              {"evaluation-draws", "fixed draws on which fidelity before and after is measured", 8, {}, 1},
          },
      .run = run_zip,
  };
}

}  // namespace ziplora
