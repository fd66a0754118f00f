#pragma once
/// What a merge method reports about its work. Each part is there only if the method has it to tell.
///
///     if (result.report.cross_terms) fmt::print("cross terms: {:.2f}\n", *result.report.cross_terms);
///     nlohmann::json for_scripts = result.report.to_json();

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ziplora {

/// Which layers the inputs have in common.
struct Coverage {
  struct Input {
    std::string input;
    size_t layers;
  };
  /// Layers that not all inputs touch.
  int64_t partly_covered = 0;
  std::vector<Input> inputs;
};

/// What `block` left out of an input.
struct LeftOut {
  std::string input;
  size_t layers, vectors;
};

/// What a projection removed from an input: a share of its ‖ΔW‖².
struct Removed {
  std::string input;
  double share;
};

/// ‖ΔW − ΔW_r‖ / ‖ΔW‖ of an SVD to lower ranks.
struct SvdError {
  /// Of all layers' ΔW as one vector.
  double total = 0;
  /// By canonical target.
  std::map<std::string, double> of_layer;
};

struct BeforeAfter {
  double before = 0, after = 0;
};

/// What a method that learns reports about its learning.
struct Learning {
  struct OfAdapter {
    /// On the evaluation draws; lower is better.
    BeforeAfter fidelity;
    /// With all others, as a fraction of its start; absent if there was none at the start.
    std::optional<double> overlap;
    /// Mean |m − 1|.
    double movement = 0;
  };
  struct Iteration {
    /// From 1.
    int64_t iteration;
    double loss;
    /// By context: each adapter's, "joint", "joint 2" …
    std::map<std::string, double> fidelity;
    /// As a fraction of its start.
    double overlap;
  };
  /// By "subject", "style", "adapter", "adapter_2", …
  std::map<std::string, OfAdapter> adapters;
  /// Fidelity to the weighted sum under the joint prompts, if they count: the mean of theirs.
  std::optional<BeforeAfter> joint_fidelity;
  /// As fractions of the start, so `before` is 1, or 0 if nothing overlapped.
  BeforeAfter overlap;
  BeforeAfter unnormalised_overlap;
  /// By canonical target: fractions of the start, of layers that overlapped then.
  std::map<std::string, double> overlap_of_layer;
  double mean_movement = 0;
  int64_t iterations = 0;
  size_t learned_layers = 0, added_layers = 0;
  int64_t coefficients = 0;
  /// Of this run, without those before it was resumed.
  double seconds_per_iteration = 0;
  /// Of this run.
  std::vector<Iteration> history;

  /// `fidelity`, `overlap`, `movement`, `history` …
  nlohmann::json to_json() const;
};

struct StepReport;

struct MergeReport {
  std::optional<Coverage> coverage;
  std::vector<LeftOut> left_out;
  /// Size of `linear`'s cross terms relative to the exact sum.
  std::optional<double> cross_terms;
  std::vector<Removed> removed;
  std::optional<SvdError> svd_error;
  std::optional<Learning> learning;
  /// Of a recipe; the other parts are those of its last step.
  std::vector<StepReport> steps;

  /// The parts that are there, under the names that scripts read.
  nlohmann::json to_json() const;
};

/// One step of a recipe.
struct StepReport {
  std::string name, method;
  MergeReport report;
};

}  // namespace ziplora
