// The merge method `lora-optimizer`: what the ComfyUI node LoRA Optimizer does by default
// (github.com/ethanfel/ComfyUI-LoRA-Optimizer, commit f70b374: optimisation per layer, automatic strength on,
// smoothing 0.25, no sparsification, no refinement). It looks at each layer (layer_conflict.h), smooths what it
// finds over blocks and decides (conflict_rule.h):
//
//     one input alone              sum         w ΔW
//     alike, without conflict      consensus   Σ w ΔW ⊙ ΔW² / Σ |w| ΔW² in each place, at the mean norm; small
//                                              singular values of layers that are no convolution are faded out
//     in conflict                  ties        TIES with the density that the values suggest
//     else, cosine below 0         average     Σ w ΔW / Σ |w|
//     else                         slerp       between the ΔW on a sphere, at their mean norm
//
// Sums and ties are turned down by energy_scale(), UNet and text encoders each by their own; the other blends
// of the UNet do not depend on how large all strengths are together, those of the text encoders are turned down
// all the same. Sum, average and slerp are linear combinations of the ΔW, so they are exact: factors side by
// side, weighted by inner products. Consensus and ties are built dense, layer by layer, and factored as
// --svd-rank and --energy say (there: the whole ΔW, or an SVD to max(64, Σ r_k)).
//
// Left out: other architectures' presets, the rules for adapters of mean rank ≥ 512, the search over settings.
// Different: energies are inner products of whole layers; there those of large layers are of a sample of
// 100,000 values, which hides most of the alignment, and strengths below 0 count their sign twice. Singular
// vectors are exact, not random projections.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

#include "ziplora/lora/factorize.h"
#include "ziplora/lora/target_names.h"
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/conflict_rule.h"
#include "ziplora/merge/dense_delta.h"
#include "ziplora/merge/factor_size.h"
#include "ziplora/merge/layerwise.h"
#include "ziplora/merge/task_arithmetic.h"

namespace ziplora {
namespace {

double sign_of(double strength) { return strength < 0 ? -1 : 1; }

double total_strength(const LayerParts& parts) {
  return std::accumulate(parts.begin(), parts.end(), 0.0,
                         [](double sum, const LayerPart& part) { return sum + std::abs(part.strength); });
}

/// Those that the layer is merged from.
LayerParts without_strength_0(const LayerParts& parts) {
  LayerParts live;
  for (const LayerPart& part : parts)
    if (part.strength != 0) live.push_back(part);
  return live;
}

/// Spherical interpolation from the strongest input to the weakest; then at the mean norm.
/// @param gram  ⟨ΔW_i, ΔW_j⟩ [K, K] float64
/// @return      what each ΔW counts
std::vector<double> slerp_shares(const LayerParts& parts, const at::Tensor& gram) {
  const size_t count = parts.size();
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::abs(parts[a].strength) > std::abs(parts[b].strength);
  });
  std::vector<double> shares(count, 0.0);
  const auto inner = [&](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i)
      for (size_t j = 0; j < count; ++j)
        sum += a[i] * b[j] * gram[static_cast<int64_t>(i)][static_cast<int64_t>(j)].item<double>();
    return sum;
  };
  double so_far = 0, mean_norm = 0;
  for (const size_t k : order) {
    std::vector<double> next(count, 0.0);
    next[k] = sign_of(parts[k].strength);
    const double weight = std::abs(parts[k].strength), norm = std::sqrt(std::max(inner(next, next), 0.0));
    const double fraction = weight / (so_far + weight);
    const double norms = std::sqrt(std::max(inner(shares, shares), 0.0)) * norm;
    const double angle = norms > 0 ? std::acos(std::clamp(inner(shares, next) / norms, -1.0, 1.0)) : 0;
    const double sine = std::sin(angle);
    const double old_share = sine < 1e-6 ? 1 - fraction : std::sin((1 - fraction) * angle) / sine;
    const double new_share = sine < 1e-6 ? fraction : std::sin(fraction * angle) / sine;
    for (size_t i = 0; i < count; ++i) shares[i] = old_share * shares[i] + new_share * next[i];
    so_far += weight;
    mean_norm += weight * norm;
  }
  const double norm = std::sqrt(std::max(inner(shares, shares), 0.0));
  if (norm > 1e-8)
    for (double& share : shares) share *= mean_norm / so_far / norm;
  return shares;
}

/// Singular values beyond the effective rank, e to the entropy of all, are faded out; the norm stays.
at::Tensor spectrally_cleaned(const at::Tensor& delta) {
  const int64_t budget = std::min<int64_t>({delta.size(0), delta.size(1), 128});
  if (delta.dim() != 2 || budget < 4) return delta;
  const auto [u, s, vt] = at::linalg_svd(delta, /*full_matrices=*/false);
  const at::Tensor values = s.narrow(0, 0, budget);
  const double sum = values.sum().item<double>();
  if (sum < 1e-10) return delta;
  const at::Tensor shares = (values / sum).clamp_min(1e-10);
  const double entropy = -(shares * shares.log()).sum().item<double>();
  const double rank = std::clamp(std::floor(std::exp(entropy) + 0.5), 1.0, static_cast<double>(budget));
  const at::Tensor gate = ((at::arange(budget, delta.options()) - rank) * (-4.0 / rank)).sigmoid();
  const at::Tensor faded = (u.narrow(1, 0, budget) * (values * gate)).matmul(vt.narrow(0, 0, budget));
  return faded * (delta.norm() / faded.norm());
}

/// @return  ΔW of the layer, [out, in] or [out, in, kh, kw] float32
at::Tensor consensus(const LayerParts& parts) {
  at::Tensor sum, weights;
  double mean_norm = 0;
  for (const LayerPart& part : parts) {
    const at::Tensor delta = dense_delta(*part.layer), importance = delta.square();
    if (!sum.defined()) sum = at::zeros_like(delta), weights = at::zeros_like(delta);
    sum += delta * importance * part.strength;
    weights += importance * std::abs(part.strength);
    mean_norm += delta.norm().item<double>() * std::abs(part.strength) / total_strength(parts);
  }
  const at::Tensor mean = at::where(weights > 0, sum / weights, at::zeros_like(sum));
  const double norm = mean.norm().item<double>();
  return spectrally_cleaned(norm > 1e-8 ? mean * (mean_norm / norm) : mean);
}

/// @return  as consensus()
at::Tensor ties(const LayerParts& parts, double density, MajoritySign majority) {
  std::vector<at::Tensor> kept, weighted;
  for (const LayerPart& part : parts) {
    kept.push_back(keep_largest(dense_delta(*part.layer) * sign_of(part.strength), density));
    weighted.push_back(kept.back() * std::abs(part.strength));
  }
  return disjoint_mean(at::stack(weighted), elected_signs(at::stack(kept), majority));
}

LoraLayer side_by_side(LayerParts parts, const std::vector<double>& shares, double scale) {
  for (size_t k = 0; k < parts.size(); ++k) parts[k].strength = shares[k] * scale;
  return concatenate_layer(parts);
}

enum Branch { kUnet, kTextEncoders };
Branch branch_of(const std::string& target) { return target.starts_with("unet") ? kUnet : kTextEncoders; }

struct Decision {
  LayerConflict conflict;
  Blend blend;
  MajoritySign majority;
};

class LoraOptimizer {
 public:
  LoraOptimizer(const std::vector<MergeInput>& inputs, MergeContext& context) : inputs_(inputs) {
    look_at_layers(context);
    for (const MergeInput& input : inputs) strengths_.push_back(input.strength);
    for (const Branch branch : {kUnet, kTextEncoders})
      scale_[branch] = energy_scale(strengths_, gram_[branch]);
  }

  LoraLayer merge(const std::string& target, const LayerParts& all_parts, FactorSize& size) const {
    const LayerParts parts = without_strength_0(all_parts);
    if (parts.empty()) return concatenate_layer(all_parts);
    const Decision& decision = decisions_.at(target);
    const Branch branch = branch_of(target);
    const bool relative = decision.blend != Blend::kSum && decision.blend != Blend::kTies;
    const double scale = relative && branch == kUnet ? 1 : scale_[branch];
    switch (decision.blend) {
      case Blend::kSum:
        return side_by_side(parts, shares_of(parts, 1), scale);
      case Blend::kAverage:
        return side_by_side(parts, shares_of(parts, total_strength(parts)), scale);
      case Blend::kSlerp:
        return side_by_side(parts, slerp_shares(parts, decision.conflict.gram), scale);
      case Blend::kConsensus:
        break;
      case Blend::kTies:
        return size.take(target, factorize(ties(parts, decision.conflict.density, decision.majority) * scale,
                                           size.rule(parts)));
    }
    return size.take(target, factorize(consensus(parts) * scale, size.rule(parts)));
  }

  /// "12 layers by slerp, 3 by ties; strengths × 0.85 in the UNet"
  std::string summary() const {
    std::map<Blend, int> counts;
    for (const auto& [target, decision] : decisions_) ++counts[decision.blend];
    std::string text;
    for (const auto& [blend, count] : counts)
      text += fmt::format("{}{}{} by {}", text.empty() ? "" : ", ", count, text.empty() ? " layers" : "",
                          name_of(blend));
    for (const Branch branch : {kUnet, kTextEncoders})
      if (scale_[branch] < 1)
        text += fmt::format("; strengths × {:.3f} in the {}", scale_[branch],
                            branch == kUnet ? "UNet" : "text encoders");
    return text;
  }

 private:
  static std::vector<double> shares_of(const LayerParts& parts, double total) {
    std::vector<double> shares;
    for (const LayerPart& part : parts) shares.push_back(part.strength / total);
    return shares;
  }

  void look_at_layers(MergeContext& context) {
    const auto count = static_cast<int64_t>(inputs_.size());
    for (at::Tensor& gram : gram_) gram = at::zeros({count, count}, at::kDouble);
    const std::map<std::string, LayerParts> layers = layers_side_by_side(terms_of(inputs_));
    std::vector<BlockLayer> measured;
    NullProgress nobody;
    Stage stage(context.progress ? *context.progress : nobody, "compare",
                static_cast<int64_t>(layers.size()));
    for (const auto& [target, all_parts] : layers) {
      if (context.cancel) context.cancel->throw_if_cancelled("merge");
      const LayerParts parts = without_strength_0(all_parts);
      if (!parts.empty()) measured.push_back(look_at(target, parts, context));
      stage.step();
    }
    const std::vector<ConflictMeasures> smoothed = smoothed_over_blocks(measured);
    size_t i = 0;
    for (auto& [target, decision] : decisions_) {  // in the order of `layers`
      if (decision.conflict.gram.size(0) > 1) decision.blend = blend_of(smoothed[i], measured[i].raw.cosine);
      decision.majority = values_vote(smoothed[i]) ? MajoritySign::kTotal : MajoritySign::kFrequency;
      ++i;
    }
  }

  BlockLayer look_at(const std::string& target, const LayerParts& parts, const MergeContext& context) {
    const LayerConflict conflict = measure_conflict(target, parts);
    at::Tensor& gram = gram_[branch_of(target)];
    for (size_t i = 0; i < parts.size(); ++i)
      for (size_t j = 0; j < parts.size(); ++j)
        gram[static_cast<int64_t>(parts[i].input)][static_cast<int64_t>(parts[j].input)] +=
            conflict.gram[static_cast<int64_t>(i)][static_cast<int64_t>(j)];
    decisions_[target] = {conflict, Blend::kSum, MajoritySign::kFrequency};
    const TargetName* name = context.names ? context.names->find(target) : nullptr;
    return {.block = smoothing_block(name ? name->flattened_sgm() : target),
            .weight = conflict.gram.diagonal().sum().item<double>(),
            .raw = conflict.measures};
  }

  const std::vector<MergeInput>& inputs_;
  std::vector<double> strengths_;
  std::map<std::string, Decision> decisions_;  // by target
  std::array<at::Tensor, 2> gram_;             // by branch
  std::array<double, 2> scale_ = {1, 1};
};

MergeResult run_lora_optimizer(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                               MergeContext& context) {
  FactorSize size(factor_size_of(options));
  const LoraOptimizer optimizer(inputs, context);
  MergeResult result =
      merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
        return optimizer.merge(target, parts, size);
      });
  if (context.progress) context.progress->note(optimizer.summary());
  if (const SvdError error = size.error(); !error.of_layer.empty()) result.report.svd_error = error;
  result.mixes_ranks = true;
  return result;
}

}  // namespace

MergeMethod lora_optimizer_method() {
  return {.name = "lora-optimizer",
          .summary =
              "chooses by layer, by how much the inputs are in conflict: slerp, average, consensus or "
              "TIES (ComfyUI LoRA Optimizer)",
          .needs_base = false,
          .options = factor_size_table(),
          .run = run_lora_optimizer};
}

}  // namespace ziplora
