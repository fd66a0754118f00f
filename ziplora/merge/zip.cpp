// The merge method `zip`: ZipLoRA, arXiv 2311.13600, for two or more adapters, with the paper's settings as
// defaults. Beyond the paper: a term for the joint prompt (--joint-weight), and a start from the closed form
// (--start solve). The course of one merge: options → contexts → inputs → fidelity of the direct merge → learning →
// fidelity of the result → one ordinary LoRA and a report.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <span>

#include "ziplora/base/error.h"
#include "ziplora/base/save_clock.h"
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/layerwise.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/recorded_contexts.h"
#include "ziplora/merge/solved_coefficients.h"
#include "ziplora/merge/zip_options.h"
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

ZipObjectiveOptions with_joint(ZipObjectiveOptions options, const std::vector<MergeInput>& inputs,
                               const std::vector<PromptContext>& contexts) {
  for (const PromptContext& context : joint_of(contexts, inputs))
    options.joints.push_back({context.weight, context.shares});
  return options;
}

/// zip-solve's coefficients, and ones where it has none: of convolutions.
NamedTensors start_of(const std::vector<MergeInput>& inputs, const std::vector<PromptContext>& contexts,
                      const ZipOptions& options, const MergerCoefficients& coefficients,
                      MergeContext& context) {
  RecordingOptions recording = default_recording(MomentsOf::kInputs);
  recording.image_size = options.inputs.image_size.value_or(0);
  const std::vector<RecordedContext> recorded =
      record_contexts(inputs, contexts, MomentsOf::kInputs, options.targets, recording, context);
  NamedTensors start = coefficients.named();
  const std::map<std::string, LayerParts> layers = layers_side_by_side(terms_of(inputs));
  Stage stage(*context.progress, "solve", static_cast<int64_t>(layers.size()));
  for (const auto& [target, parts] : layers) {
    context.cancel->throw_if_cancelled("merge: zip", "run the same command again");
    if (const auto routes = routes_of(target, parts, recorded); !routes.empty())
      for (const auto& [name, m] : solved_coefficients(target, parts, routes, kDefaultRidge)) start[name] = m;
    stage.step();
  }
  return start;
}

/// Everything that the coefficients depend on. A resumed merge must have it in common with the interrupted
/// one.
nlohmann::json settings_of(const std::vector<MergeInput>& inputs, const std::vector<PromptContext>& contexts,
                           const nlohmann::json& options, const MergeContext& context) {
  nlohmann::json settings = {{"options", options},
                             {"seed", context.seed},
                             {"base", context.base->path.string()},
                             {"dtype", c10::toString(context.base->policy.dtype)}};
  for (size_t k = 0; k < inputs.size(); ++k) {
    std::vector<std::string> images;
    for (const std::filesystem::path& path : inputs[k].images) images.push_back(path.string());
    settings[fmt::format("input_{}", k)] = {{"sha256", inputs[k].sha256},
                                            {"weight", inputs[k].strength},
                                            {"prompts", inputs[k].prompts},
                                            {"images", images}};
  }
  for (const PromptContext& joint : joint_of(contexts, inputs)) {
    settings[joint.name + "_prompts"] = joint.prompts;
    settings[joint.name + "_shares"] = joint.shares;  // which depend on the roles
  }
  return settings;
}

/// Measures fidelity on the fixed evaluation draws; computes the adapters' own predictions only once.
class FidelityMeter {
 public:
  FidelityMeter(ZipObjective& objective, const ZipInputs& inputs, int64_t draws, ProgressSink& progress,
                Team& team)
      : objective_(objective), inputs_(inputs), draws_(draws), progress_(progress), team_(team) {}

  /// @param hint  how to go on if it is interrupted
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
    team_.average({mean});
    return {mean.data_ptr<double>(), mean.data_ptr<double>() + mean.numel()};
  }

 private:
  ZipObjective& objective_;
  const ZipInputs& inputs_;
  int64_t draws_;
  ProgressSink& progress_;
  Team& team_;
  std::vector<at::Tensor> separate_;
};

/// The end of an overlap as a fraction of its start; nothing if there was none at the start.
std::optional<double> fraction(const at::Tensor& start, const at::Tensor& end) {
  const double before = start.sum().item<double>();
  return before > 0 ? std::optional(end.sum().item<double>() / before) : std::nullopt;
}

/// Fills in the overlaps in all, by layer and by adapter.
/// @param names          by adapter
/// @param before, after  [K, layers], ZipObjective::overlap_per_adapter
void report_overlap(const MergerLayout& layout, const std::vector<std::string>& names,
                    const at::Tensor& before, const at::Tensor& after, Learning& learning) {
  const at::Tensor first = before.to(at::kCPU, at::kDouble), last = after.to(at::kCPU, at::kDouble);
  for (int64_t layer = 0; layer < first.size(1); ++layer)
    if (const auto left = fraction(first.select(1, layer), last.select(1, layer)))
      learning.overlap_of_layer[layout.segments[layer].target] = *left;
  for (int64_t k = 0; k < first.size(0); ++k)
    learning.adapters[names[k]].overlap = fraction(first[k], last[k]);
  // Each pair once: the sum over adapters has it twice.
  const double start = first.sum().item<double>() / 2, end = last.sum().item<double>() / 2;
  learning.unnormalised_overlap = {start, end};
  if (start > 0) learning.overlap = {1.0, end / start};
}

MergerCoefficients coefficients_on(const at::Device& device, MergerLayout layout) {
  MergerCoefficients coefficients(std::move(layout));
  coefficients.values = coefficients.values.detach().to(device).set_requires_grad(true);
  return coefficients;
}

/// One merge; its members stand in the order in which they come to be.
class ZipMerge {
 public:
  /// @param contexts  the inputs' own and, if they count, the joint ones; outlive this
  /// @param state     where to start: of an interrupted merge, or with nothing but its settings
  ZipMerge(const std::vector<MergeInput>& inputs, const std::vector<PromptContext>& contexts,
           const ZipOptions& options, ZipState state, MergeContext& context)
      : inputs_(inputs),
        options_(options),
        context_(context),
        names_(unique_names(inputs)),
        contexts_(contexts),
        state_(std::move(state)),
        coefficients_(coefficients_on(context.base->policy.device, layout_of(inputs, *options.targets))),
        start_(options.start_solved && !context.resume
                   ? start_of(inputs, contexts, options, coefficients_, context)
                   : NamedTensors()),
        zip_inputs_(*context.base, inputs, contexts, options.inputs, context.seed, *context.progress,
                    *context.cancel, state_.latents, *context.team),
        objective_(Components{{"unet", &context.base->unet}}, terms_of(inputs), coefficients_, predictor(),
                   with_joint(options.objective, inputs, contexts)),
        optimizer_({coefficients_.values}, {.lr = options.learning_rate}) {
    context.base->unet.requires_grad(false);
    context.base->unet.set_gradient_checkpointing(options.gradient_checkpointing);
  }

  MergeResult run() {
    note_targets();
    FidelityMeter meter(objective_, zip_inputs_, options_.evaluation_draws, *context_.progress,
                        *context_.team);
    // The state of the interrupted merge stays as it is until something more has been learned.
    const std::vector<double> fidelity_before = meter.measure(*context_.cancel, "run the same command again");
    const at::Tensor overlap_before = objective_.overlap_per_adapter().detach();
    if (context_.resume) {
      coefficients_.load(state_.coefficients);
      optimizer_.load_state(state_.optimizer);
    } else if (!start_.empty()) {
      coefficients_.load(start_);
    }

    learn_or_keep(overlap_before.sum().item<double>() / 2);
    const std::string resume_hint = keep_state();
    if (context_.cancel->cancelled())
      throw Error(ErrorKind::kInterrupted, "merge: zip",
                  fmt::format("interrupted after {} of {} iterations", optimizer_.step_count(),
                              options_.loop.iterations),
                  resume_hint);
    const std::vector<double> fidelity_after = meter.measure(*context_.cancel, resume_hint);

    const std::vector<double> movements = coefficients_.movements();
    for (size_t k = 0; k < names_.size(); ++k)
      learning_.adapters[names_[k]] = {
          .fidelity = {fidelity_before[k], fidelity_after[k]}, .overlap = {}, .movement = movements[k]};
    if (fidelity_after.size() > names_.size())
      learning_.joint_fidelity = {joint_mean(fidelity_before), joint_mean(fidelity_after)};
    report_overlap(coefficients_.layout, names_, overlap_before, objective_.overlap_per_adapter().detach(),
                   learning_);
    learning_.mean_movement = coefficients_.mean_movement();
    learning_.iterations = optimizer_.step_count();
    learning_.learned_layers = objective_.learned_targets();
    learning_.added_layers = objective_.added_targets() + text_layers();
    learning_.coefficients = coefficients_.layout.columns * coefficients_.layout.adapter_count;

    MergeResult result{.adapter = merged(), .report = {}, .coefficients = coefficients_.named()};
    result.report.learning = std::move(learning_);
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

  void note_targets() const {
    context_.progress->note(fmt::format(
        "{} layers are learned (--targets {}); {} other layers of the UNet and {} of the text "
        "encoders are added directly",
        objective_.learned_targets(), options_.targets->name, objective_.added_targets(), text_layers()));
  }

  /// What ends the learning must not lose it. Numbers that are not finite have stopped before an update, and the
  /// same iterations would come to them again. Other errors are those of a team's other processes.
  void learn_or_keep(double overlap_at_start) {
    try {
      learn(overlap_at_start);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kInterrupted && context_.cancel->cancelled()) return;
      if (error.kind() != ErrorKind::kNonFinite && optimizer_.step_count() > 0) keep_state();
      throw;
    } catch (const std::exception&) {
      if (optimizer_.step_count() > 0) keep_state();  // how to go on from it says whoever called
      throw;
    }
  }

  /// A pool's targets are an adapter's own predictions, which no iteration changes. A resumed merge computes them again.
  ZipBatch batch_of(int64_t iteration) {
    if (options_.pool == 0) return zip_inputs_.training_batch(iteration);
    const int64_t index = iteration % options_.pool;
    ZipBatch batch = zip_inputs_.training_batch(index);
    at::Tensor& targets = targets_[index];
    if (!targets.defined()) targets = objective_.separate_predictions(batch);
    batch.targets = targets;
    return batch;
  }

  /// Ends early on Ctrl-C.
  void learn(double overlap_at_start) {
    const int64_t first_iteration = optimizer_.step_count();
    SaveClock clock(context_.state_path.empty() ? 0 : context_.checkpoint_minutes);
    Stage stage(*context_.progress, "zip", options_.loop.iterations, first_iteration);
    learn_coefficients(
        objective_, optimizer_, [&](int64_t iteration) { return batch_of(iteration); }, overlap_at_start,
        options_.loop,
        [&](int64_t iteration, const ZipLosses& losses) {
          Learning::Iteration row{.iteration = iteration + 1,
                                  .loss = losses.total,
                                  .fidelity = {},
                                  .overlap = overlap_at_start > 0 ? losses.overlap / overlap_at_start : 0.0};
          Metrics metrics{{"loss", row.loss}};
          for (size_t c = 0; c < losses.fidelity.size(); ++c) {
            const std::string& name = contexts_[c].name;
            row.fidelity[name] = losses.fidelity[c];
            metrics.emplace_back("loss_" + name, losses.fidelity[c]);
          }
          metrics.emplace_back("overlap", row.overlap);
          stage.step(metrics);
          learning_.history.push_back(std::move(row));
          if (context_.team->leads() && clock.is_due()) clock.save([&] { save_by_time(); });
          return !context_.cancel->cancelled();
        },
        *context_.team);
    const int64_t done = optimizer_.step_count() - first_iteration;
    if (done > 0) learning_.seconds_per_iteration = stage.seconds() / static_cast<double>(done);
  }

  ZipState state_now() const {
    return {coefficients_.named(), optimizer_.state(), zip_inputs_.latents(), state_.settings};
  }

  void save_by_time() const {
    try {
      write_zip_state(context_.state_path, state_now());
      context_.kept_state = context_.state_path;
    } catch (const Error& error) {  // nobody asked for it
      context_.progress->warning(fmt::format("the merge state could not be saved ({}: {}); the merge goes on",
                                             error.where(), error.problem()));
    }
  }

  /// However the learning ended; the caller removes the state once the result is in a file.
  /// @return how to go on from it
  std::string keep_state() const {
    const std::string again = "run the same command again";
    if (context_.state_path.empty() || !context_.team->leads()) return again;
    try {
      context_.kept_state = keep_zip_state(context_.state_path, state_now());
    } catch (const Error& error) {  // the result itself may still find room
      context_.progress->warning("the merge state could not be saved: " + error.problem());
      return again;
    }
    return how_to_resume(context_.state_path, context_.kept_state);
  }

  double joint_mean(const std::vector<double>& fidelity) const {
    const std::span joint = std::span(fidelity).subspan(names_.size());
    return std::accumulate(joint.begin(), joint.end(), 0.0) / static_cast<double>(joint.size());
  }

  Adapter merged() const {
    std::vector<Adapter> folded;
    for (size_t k = 0; k < inputs_.size(); ++k)
      folded.push_back(fold_coefficients(*inputs_[k].adapter, coefficients_, static_cast<int64_t>(k)));
    std::vector<AdapterTerm> terms;
    for (size_t k = 0; k < inputs_.size(); ++k) terms.push_back({&folded[k], inputs_[k].strength});
    return concatenate(terms);
  }

  const std::vector<MergeInput>& inputs_;
  const ZipOptions options_;
  MergeContext& context_;
  const std::vector<std::string> names_;  // in the report, by input
  const std::vector<PromptContext>& contexts_;
  const ZipState state_;
  MergerCoefficients coefficients_;
  const NamedTensors start_;  // empty: ones
  const ZipInputs zip_inputs_;
  ZipObjective objective_;
  Adam optimizer_;
  std::map<int64_t, at::Tensor> targets_;  // by batch of the pool
  Learning learning_;
};

MergeResult run_zip(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                    MergeContext& context) {
  require_two(inputs);
  const ZipOptions zip = zip_options_of(options);
  const std::vector<PromptContext> contexts = prompt_contexts(inputs, context.joint_prompts, zip.joint);
  note_joint_prompts(inputs, contexts, *context.progress);
  const nlohmann::json settings = settings_of(inputs, contexts, options, context);
  ZipState state =
      context.resume ? read_zip_state(context.state_path, settings) : ZipState{.settings = settings};
  return ZipMerge(inputs, contexts, zip, std::move(state), context).run();
}

}  // namespace

MergeMethod zip_method() {
  return {
      .name = "zip",
      .summary =
          "learns a coefficient for each input column of each adapter's delta (ZipLoRA, arXiv 2311.13600)",
      .needs_base = true,
      .options = zip_table(),
      .run = run_zip,
      .keeps_state = true};
}

}  // namespace ziplora
