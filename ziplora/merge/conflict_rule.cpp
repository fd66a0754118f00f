#include "ziplora/merge/conflict_rule.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>

namespace ziplora {
namespace {

constexpr double kSmoothing = 0.25;
constexpr double kAlikeCosine = 0.5, kAlikeConflict = 0.15;
constexpr double kOrthogonalCosine = 0.25, kOrthogonalConflict = 0.60;
constexpr double kSharedOverlap = 0.35, kTiesConflict = 0.25, kUnequalSizes = 2.0;
constexpr double kIndependentCosine = 0.1, kIndependentFloor = 0.85;

constexpr std::array kMeasures = {&ConflictMeasures::excess, &ConflictMeasures::cosine,
                                  &ConflictMeasures::overlap, &ConflictMeasures::size_ratio};

bool all_digits(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

const char* name_of(Blend blend) {
  switch (blend) {
    case Blend::kSum:
      return "sum";
    case Blend::kAverage:
      return "average";
    case Blend::kSlerp:
      return "slerp";
    case Blend::kConsensus:
      return "consensus";
    case Blend::kTies:
      return "ties";
  }
  return "";
}

std::string smoothing_block(const std::string& flattened) {
  std::string_view name = flattened;
  for (const std::string_view prefix : {"lora_unet_", "lora_te1_", "lora_te2_"})
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('_', begin), name.size());
    if (all_digits(name.substr(begin, end - begin))) return std::string(name.substr(0, end));
    begin = end + 1;
  }
  return std::string(name);
}

std::vector<ConflictMeasures> smoothed_over_blocks(const std::vector<BlockLayer>& layers) {
  std::map<std::string, std::vector<size_t>> blocks;
  for (size_t i = 0; i < layers.size(); ++i) blocks[layers[i].block].push_back(i);
  std::vector<ConflictMeasures> smoothed;
  for (const BlockLayer& layer : layers) smoothed.push_back(layer.raw);
  for (const auto& [block, members] : blocks) {
    if (members.size() < 2) continue;
    const auto weight = [&](size_t i) { return layers[i].weight > 0 ? layers[i].weight : 1.0; };
    for (const auto measure : kMeasures) {
      double sum = 0, weights = 0;
      for (const size_t i : members) {
        sum += weight(i) * (layers[i].raw.*measure);
        weights += weight(i);
      }
      for (const size_t i : members)
        smoothed[i].*measure += kSmoothing * (sum / weights - layers[i].raw.*measure);
    }
  }
  return smoothed;
}

Blend blend_of(const ConflictMeasures& smoothed, double raw_cosine) {
  double conflict = smoothed.excess;
  if (smoothed.overlap > 0) conflict *= 0.5 + 0.5 * smoothed.overlap;
  const bool shared = smoothed.overlap >= kSharedOverlap;
  if (smoothed.cosine > kAlikeCosine && conflict < kAlikeConflict && shared) return Blend::kConsensus;
  const bool orthogonal =
      std::abs(smoothed.cosine) < kOrthogonalCosine && conflict < kOrthogonalConflict && !shared;
  if (!orthogonal && conflict > kTiesConflict) return Blend::kTies;
  return raw_cosine < 0 ? Blend::kAverage : Blend::kSlerp;
}

bool values_vote(const ConflictMeasures& smoothed) { return smoothed.size_ratio > kUnequalSizes; }

double energy_scale(const std::vector<double>& strengths, const at::Tensor& gram) {
  const at::Tensor w = at::tensor(strengths, at::kDouble);
  const at::Tensor energies = gram * at::outer(w, w);  // ⟨w_i ΔW_i, w_j ΔW_j⟩
  const at::Tensor alone = energies.diagonal().clamp_min(0).sqrt();
  if ((alone > 0).sum().item<int64_t>() < 2) return 1;
  const double together = std::sqrt(std::max(energies.sum().item<double>(), 0.0));
  double scale = together > 0 ? std::min(alone.max().item<double>() / together, 1.0) : 1.0;
  double cosines = 0, pairs = 0;
  for (int64_t i = 0; i < alone.size(0); ++i)
    for (int64_t j = i + 1; j < alone.size(0); ++j) {
      const double norms = alone[i].item<double>() * alone[j].item<double>();
      if (norms <= 0) continue;
      cosines += energies[i][j].item<double>() / norms;
      pairs += 1;
    }
  if (pairs > 0 && std::abs(cosines / pairs) <= kIndependentCosine)
    scale = std::max(scale, kIndependentFloor);
  return scale;
}

}  // namespace ziplora
