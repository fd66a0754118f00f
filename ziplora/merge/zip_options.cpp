#include "ziplora/merge/zip_options.h"

namespace ziplora {
namespace {

constexpr const char* kMeanSquares = "mean-squares";
constexpr const char* kSumSquares = "sum-squares";
constexpr const char *kSum = "sum", *kMean = "mean";
constexpr const char *kOnes = "ones", *kSolve = "solve";

const char* name_of(FidelityReading reading) {
  return reading == FidelityReading::kSumSquares ? kSumSquares : kMeanSquares;
}

std::vector<std::string> overlap_names() {
  std::vector<std::string> names;
  for (const OverlapReading& reading : overlap_readings()) names.push_back(reading.name);
  return names;
}

std::vector<MergeOption> learning_table(const ZipOptions& defaults) {
  return {
      {.name = "iterations",
       .help = "Update the coefficients at most this many times",
       .default_value = defaults.loop.iterations,
       .minimum = 0},
      {.name = "learning-rate",
       .help = "Set Adam's learning rate for the coefficients",
       .default_value = defaults.learning_rate,
       .minimum = 0},
      {.name = "overlap-weight",
       .help = "Weigh the overlap term of the loss by this factor, the paper's lambda",
       .default_value = defaults.objective.overlap_weight,
       .minimum = 0},
      {.name = "overlap",
       .help = "Read the overlap of two coefficient vectors in this way",
       .default_value = defaults.objective.overlap->name,
       .choices = overlap_names(),
       .value_name = "READING"},
      {.name = "overlap-over",
       .help =
           "Weigh the sum of the layers' overlaps, as in the paper, or their mean, whose pull does not grow "
           "with the layers",
       .default_value = defaults.objective.overlap_over == OverlapOver::kMean ? kMean : kSum,
       .choices = {kSum, kMean},
       .value_name = "READING"},
      {.name = "fidelity",
       .help = "Read the squared error of a prediction in this way",
       .default_value = name_of(defaults.objective.fidelity),
       .choices = {kMeanSquares, kSumSquares},
       .value_name = "READING"},
      {.name = "targets",
       .help = "Learn coefficients for these layers and add the others directly",
       .default_value = defaults.targets->name,
       .choices = learned_targets_names(),
       .value_name = "LAYERS"},
      {.name = "start",
       .help = "Start with every coefficient at 1, as in the paper, or where zip-solve ends",
       .default_value = defaults.start_solved ? kSolve : kOnes,
       .choices = {kOnes, kSolve}},
      {.name = "stop-overlap",
       .help = "Stop when the overlap has fallen to this fraction of its start",
       .default_value = defaults.loop.stop_overlap,
       .minimum = 0},
      {.name = "batch-size",
       .help = "Learn on this many images of each adapter, and of the joint prompt, per iteration",
       .default_value = defaults.inputs.rows_each,
       .minimum = 1,
       .maximum = 4096},
      {.name = "pool",
       .help =
           "Learn on this many batches in turn, whose targets are computed once: faster; 0: on a new batch in each "
           "iteration, as in the paper",
       .default_value = defaults.pool,
       .minimum = 0,
       .maximum = 100'000},
      {.name = "gradient-checkpointing",
       .help = "Recompute activations: takes less memory and about a third more time",
       .default_value = defaults.gradient_checkpointing}};
}

std::vector<MergeOption> image_table(const ZipOptions& defaults) {
  return {
      {.name = "images",
       .help =
           "Draw this many images to learn on for each adapter without images of its own, and for the joint prompt; at least one "
           "per prompt",
       .default_value = defaults.inputs.images,
       .minimum = 1,
       .maximum = 10'000},
      {.name = "image-steps",
       .help = "Draw these images in this many steps",
       .default_value = defaults.inputs.image_steps,
       .minimum = 1},
      {.name = "image-guidance-scale",
       .help = "Draw these images with this guidance scale",
       .default_value = defaults.inputs.image_guidance_scale,
       .minimum = 0},
      {.name = "image-size",
       .help = "Learn on images with sides of this many pixels; 0: the base's own size",
       .default_value = defaults.inputs.image_size.value_or(0),
       .minimum = 0},
      {.name = "evaluation-draws",
       .help = "Measure fidelity, before and after, on this many fixed draws",
       .default_value = defaults.evaluation_draws,
       .minimum = 1,
       .maximum = 100'000}};
}

}  // namespace

std::vector<MergeOption> zip_table() {
  const ZipOptions defaults;
  std::vector<MergeOption> table = learning_table(defaults);
  for (MergeOption& option : joint_table(defaults.joint)) table.push_back(std::move(option));
  for (MergeOption& option : image_table(defaults)) table.push_back(std::move(option));
  return table;
}

ZipOptions zip_options_of(const nlohmann::json& values) {
  const int64_t image_size = values["image-size"];
  return {
      .loop = {.iterations = values["iterations"], .stop_overlap = values["stop-overlap"]},
      .objective = {.overlap_weight = values["overlap-weight"],
                    .overlap = &find_overlap_reading(values["overlap"]),
                    .overlap_over = values["overlap-over"] == kMean ? OverlapOver::kMean : OverlapOver::kSum,
                    .fidelity = values["fidelity"] == kSumSquares ? FidelityReading::kSumSquares
                                                                  : FidelityReading::kMeanSquares},
      .inputs = {.images = values["images"],
                 .image_steps = values["image-steps"],
                 .image_guidance_scale = values["image-guidance-scale"],
                 .image_size = image_size > 0 ? std::optional(image_size) : std::nullopt,
                 .rows_each = values["batch-size"]},
      .joint = joint_options_of(values),
      .start_solved = values["start"] == kSolve,
      .pool = values["pool"],
      .learning_rate = values["learning-rate"],
      .targets = &find_learned_targets(values["targets"]),
      .evaluation_draws = values["evaluation-draws"],
      .gradient_checkpointing = values["gradient-checkpointing"]};
}

}  // namespace ziplora
