#include "ziplora/merge/zip_objective.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"
#include "ziplora/lora/factor_shapes.h"

namespace ziplora {
namespace {

// 1×1 convolution factors for a linear layer, or the reverse, do not fit: the file was made for another
// model.
void check_fits(const std::string& target, const LoraLayer& layer, const SlotInModel& place) {
  if (factors_fit(layer, place.weight.sizes())) return;
  throw Error(ErrorKind::kIncompatible, "merge: " + target,
              fmt::format("down is [{}] and up is [{}], the base's weight is [{}]",
                          fmt::join(layer.down.sizes(), ", "), fmt::join(layer.up.sizes(), ", "),
                          fmt::join(place.weight.sizes(), ", ")),
              "the adapter was trained on another base; run 'ziplora inspect' on it");
}

}  // namespace

ZipObjective::ZipObjective(const Components& components, const std::vector<AdapterTerm>& adapters,
                           MergerCoefficients& coefficients, NoisePredictor predict,
                           ZipObjectiveOptions options)
    : coefficients_(coefficients),
      predict_(std::move(predict)),
      options_(options),
      overlap_(coefficients.layout, *options.overlap, coefficients.values.options().requires_grad(false)) {
  at::NoGradGuard no_grad;
  std::map<std::string, int64_t> segment_of;
  for (size_t s = 0; s < coefficients.layout.segments.size(); ++s)
    segment_of[coefficients.layout.segments[s].target] = static_cast<int64_t>(s);

  const std::map<std::string, SlotInModel> places = adapter_slots(components);
  std::map<std::string, Layer> by_target;
  std::map<std::string, std::vector<at::Tensor>> ups;
  for (size_t k = 0; k < adapters.size(); ++k) {
    for (const auto& [target, lora] : adapters[k].adapter->layers) {
      if (!components.count(target.substr(0, target.find('.')))) continue;
      const auto place = places.find(target);
      if (place == places.end())
        throw Error(ErrorKind::kIncompatible, "merge: " + target,
                    "the base has no such linear or convolution layer",
                    "the adapter was trained on another base; run 'ziplora inspect' on it");
      check_fits(target, lora, place->second);
      const at::TensorOptions like = place->second.weight.options().requires_grad(false);
      Layer& layer = by_target[target];
      layer.target = target;
      layer.slot = place->second.slot;
      layer.downs.push_back(lora.down.to(like));
      layer.adapters.push_back(static_cast<int64_t>(k));
      layer.adapter_of_rank.insert(layer.adapter_of_rank.end(), lora.rank(), static_cast<int64_t>(k));
      const double scale = adapters[k].strength * lora.scale();
      ups[target].push_back(
          (lora.up.to(like.dtype(at::promote_types(at::kFloat, lora.up.scalar_type()))) * scale).to(like));
    }
  }
  for (auto& [target, layer] : by_target) {
    layer.stacked_down = at::cat(layer.downs, 0);
    layer.stacked_up = at::cat(ups[target], 1);
    if (const auto segment = segment_of.find(target); segment != segment_of.end()) {
      layer.segment = segment->second;
      ++learned_count_;
    }
    // The pieces become views, so the factors are in memory only once.
    int64_t rank_begin = 0;
    for (at::Tensor& down : layer.downs) {
      const int64_t rank = down.size(0);
      down = layer.stacked_down.narrow(0, rank_begin, rank);
      rank_begin += rank;
    }
    layers_.push_back(std::move(layer));
  }
}

ZipObjective::~ZipObjective() { clear_slots(); }

void ZipObjective::clear_slots() {
  for (Layer& layer : layers_) layer.slot->clear();
}

int64_t ZipObjective::contexts() const {
  return coefficients_.layout.adapter_count + static_cast<int64_t>(options_.joints.size());
}

at::Tensor ZipObjective::row_gate(const Layer& layer, int64_t rows) const {
  const int64_t rank = layer.stacked_down.size(0), rows_each = rows / contexts();
  at::Tensor gate = at::zeros({rows, rank}, at::kDouble);
  for (int64_t r = 0; r < rank; ++r) {
    const int64_t k = layer.adapter_of_rank[r];
    gate.select(1, r).narrow(0, k * rows_each, rows_each).fill_(1);
    for (size_t j = 0; j < options_.joints.size(); ++j)
      gate.select(1, r)
          .narrow(0, (coefficients_.layout.adapter_count + static_cast<int64_t>(j)) * rows_each, rows_each)
          .fill_(options_.joints[j].shares[k]);
  }
  return gate.to(layer.stacked_down.options());
}

void ZipObjective::fill_slots_separately(int64_t rows) {
  for (Layer& layer : layers_) {
    if (rows != gated_rows_) layer.row_gate = row_gate(layer, rows);
    layer.slot->set({layer.stacked_down, layer.stacked_up, layer.row_gate});
  }
  gated_rows_ = rows;
}

void ZipObjective::fill_slots_merged() {
  // One split, whose backward is one cat. The backward of a view for each layer would add a zero-padded [K,
  // columns] for each of them.
  std::vector<int64_t> sizes;
  for (const MergerLayout::Segment& segment : coefficients_.layout.segments) sizes.push_back(segment.size);
  std::vector<at::Tensor> m;  // by segment: [K, size]
  if (!sizes.empty()) m = coefficients_.values.split_with_sizes(sizes, 1);
  for (Layer& layer : layers_) {
    if (layer.segment < 0) {
      layer.slot->set({layer.stacked_down, layer.stacked_up, {}});
      continue;
    }
    std::vector<at::Tensor> folded;
    for (size_t i = 0; i < layer.downs.size(); ++i) {
      const at::Tensor& down = layer.downs[i];
      // Multiplied in the coefficients' precision, then rounded once to the base's.
      folded.push_back((down * as_column_factor(m[layer.segment].select(0, layer.adapters[i]), down))
                           .to(down.scalar_type()));
    }
    layer.slot->set({at::cat(folded, 0), layer.stacked_up, {}});
  }
}

at::Tensor ZipObjective::separate_predictions(const ZipBatch& batch) {
  at::NoGradGuard no_grad;
  fill_slots_separately(batch.noisy_latents.size(0));
  return predict_(batch.noisy_latents, batch.timesteps, batch.separate_conditioning);
}

at::Tensor ZipObjective::merged_predictions(const ZipBatch& batch) {
  fill_slots_merged();
  return predict_(batch.noisy_latents, batch.timesteps, batch.merged_conditioning);
}

at::Tensor ZipObjective::fidelity(const at::Tensor& merged, const at::Tensor& separate) const {
  const at::ScalarType precise = at::promote_types(at::kFloat, merged.scalar_type());
  const at::Tensor squares = (merged.to(precise) - separate.to(precise))
                                 .square()
                                 .reshape({contexts(), merged.size(0) / contexts(), -1});
  return options_.fidelity == FidelityReading::kMeanSquares ? squares.mean({1, 2}) : squares.sum(2).mean(1);
}

at::Tensor ZipObjective::overlap_per_layer() const { return overlap_.per_layer(coefficients_.values); }

at::Tensor ZipObjective::overlap_per_adapter() const { return overlap_.per_adapter(coefficients_.values); }

ZipLosses ZipObjective::backward(const ZipBatch& batch) {
  coefficients_.values.mutable_grad() = at::Tensor();
  const at::Tensor separate = batch.targets.defined() ? batch.targets : separate_predictions(batch);
  const at::Tensor fidelity_terms = fidelity(merged_predictions(batch), separate);
  const at::Tensor overlaps = overlap_per_layer(), overlap = overlaps.sum();
  const at::Tensor own = fidelity_terms.narrow(0, 0, coefficients_.layout.adapter_count);
  at::Tensor loss = own.sum() + options_.overlap_weight *
                                    (options_.overlap_over == OverlapOver::kMean ? overlaps.mean() : overlap);
  for (size_t j = 0; j < options_.joints.size(); ++j)
    loss = loss + options_.joints[j].weight *
                      fidelity_terms[coefficients_.layout.adapter_count + static_cast<int64_t>(j)];
  loss.backward();

  const at::Tensor on_cpu = fidelity_terms.detach().to(at::kCPU, at::kDouble);
  ZipLosses losses;
  losses.fidelity.assign(on_cpu.data_ptr<double>(), on_cpu.data_ptr<double>() + on_cpu.numel());
  losses.overlap = overlap.item<double>();
  losses.total = loss.item<double>();
  return losses;
}

}  // namespace ziplora
