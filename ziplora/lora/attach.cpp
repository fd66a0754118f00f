#include "ziplora/lora/attach.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ziplora/base/error.h"
#include "ziplora/lora/factor_shapes.h"
#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/linear.h"

namespace ziplora {
namespace {

std::string name_of(const Adapter& adapter) {
  return adapter.source.empty() ? "adapter in memory" : adapter.source.filename().string();
}

[[noreturn]] void refuse(const Adapter& adapter, const std::string& problem) {
  const std::string hint = adapter.source.empty()
                               ? ""
                               : fmt::format("run 'ziplora inspect {}' to see what the file was made for",
                                             adapter.source.string());
  throw Error(ErrorKind::kIncompatible, "attach: " + name_of(adapter), problem, hint);
}

void require_targets_exist(const Adapter& adapter, const std::map<std::string, SlotInModel>& slots) {
  constexpr size_t kListed = 5;
  std::vector<std::string> lacking;
  for (const auto& [target, layer] : adapter.layers)
    if (!slots.count(target)) lacking.push_back(target);
  if (lacking.empty()) return;
  const size_t count = lacking.size();
  if (count > kListed) lacking.resize(kListed);
  refuse(adapter, fmt::format("the model lacks {} of its {} targets: {}{}", count, adapter.layers.size(),
                              fmt::join(lacking, ", "), count > kListed ? ", …" : ""));
}

void require_shapes_fit(const Adapter& adapter, const std::string& target, const LoraLayer& layer,
                        const at::Tensor& weight) {
  const FactorShapes needed = factor_shapes(weight.sizes(), layer.rank());
  const auto require = [&](const char* name, const at::Tensor& factor, const std::vector<int64_t>& shape) {
    if (factor.sizes() != shape)
      refuse(adapter, fmt::format("{} {} is [{}], the model needs [{}]", target, name,
                                  fmt::join(factor.sizes(), ", "), fmt::join(shape, ", ")));
  };
  require("down", layer.down, needed.down);
  require("up", layer.up, needed.up);
}

/// Every bias and every norm's weight, by canonical parameter.
std::map<std::string, Module::Parameter> vectors_of(const Components& components) {
  std::map<std::string, Module::Parameter> vectors;
  for (const auto& [component, root] : components)
    root->for_each_parameter([&, &prefix = component](const std::string& path, Module::Parameter& parameter) {
      if (parameter.shape.size() == 1) vectors.emplace(prefix + "." + path, parameter);
    });
  return vectors;
}

}  // namespace

std::map<std::string, SlotInModel> adapter_slots(const Components& components) {
  std::map<std::string, SlotInModel> slots;
  for (const auto& [component, root] : components)
    root->for_each_module([&, &prefix = component](const std::string& path, Module& module) {
      const std::string target = prefix + "." + path;
      if (auto* linear = dynamic_cast<Linear*>(&module)) slots[target] = {&linear->adapter, linear->weight};
      if (auto* conv = dynamic_cast<Conv2d*>(&module)) slots[target] = {&conv->adapter, conv->weight};
    });
  return slots;
}

AttachedAdapters::AttachedAdapters(const Components& components, const std::vector<const Adapter*>& adapters)
    : num_adapters_(static_cast<int64_t>(adapters.size())) {
  const std::map<std::string, SlotInModel> slots = adapter_slots(components);
  struct Part {
    int64_t adapter;
    const LoraLayer* layer;
  };
  std::map<std::string, std::vector<Part>> parts_of_target;
  for (int64_t k = 0; k < num_adapters_; ++k) {
    require_targets_exist(*adapters[k], slots);
    for (const auto& [target, layer] : adapters[k]->layers) {
      require_shapes_fit(*adapters[k], target, layer, slots.at(target).weight);
      parts_of_target[target].push_back({k, &layer});
    }
  }
  for (const auto& [target, parts] : parts_of_target) {
    const SlotInModel& in_model = slots.at(target);
    if (!in_model.slot->empty())
      throw Error(ErrorKind::kInternal, "attach", target + " already carries an adapter");
    std::vector<at::Tensor> downs, ups;
    std::vector<int64_t> adapter_of_rank;
    for (const Part& part : parts) {
      const at::TensorOptions options = in_model.weight.options();
      downs.push_back(part.layer->down.to(options));
      ups.push_back((part.layer->up.to(at::kFloat) * part.layer->scale()).to(options));
      adapter_of_rank.insert(adapter_of_rank.end(), part.layer->rank(), part.adapter);
    }
    attached_.push_back({target,
                         in_model.slot,
                         {.down = at::cat(downs, 0), .up = at::cat(ups, 1), .row_gate = {}},
                         at::tensor(adapter_of_rank, in_model.weight.options().dtype(at::kLong))});
  }
  attach_vectors(components, adapters);
  set_row_weights({});
}

AttachedAdapters::~AttachedAdapters() {
  for (Attached& attached : attached_) attached.slot->clear();
  for (AttachedVector& vector : vectors_) *vector.parameter = vector.original;
}

void AttachedAdapters::attach_vectors(const Components& components,
                                      const std::vector<const Adapter*>& adapters) {
  struct Deltas {
    std::vector<at::Tensor> deltas;
    std::vector<int64_t> adapter_of;
  };
  const std::map<std::string, Module::Parameter> vectors = vectors_of(components);
  std::map<std::string, Deltas> found;
  for (int64_t k = 0; k < num_adapters_; ++k)
    for (const auto& [name, delta] : adapters[k]->vector_deltas) {
      const auto vector = vectors.find(name);
      if (vector == vectors.end() || vector->second.tensor->sizes() != delta.sizes())
        refuse(*adapters[k], fmt::format("it adds [{}] to {}, {}", fmt::join(delta.sizes(), ", "), name,
                                         vector == vectors.end()
                                             ? "which the model lacks"
                                             : fmt::format("which is [{}] in the model",
                                                           fmt::join(vector->second.tensor->sizes(), ", "))));
      found[name].deltas.push_back(delta.to(vector->second.tensor->options()));
      found[name].adapter_of.push_back(k);
    }
  for (const auto& [name, parts] : found) {
    at::Tensor* parameter = vectors.at(name).tensor;
    vectors_.push_back({parameter, *parameter, at::stack(parts.deltas),
                        at::tensor(parts.adapter_of, parameter->options().dtype(at::kLong))});
  }
}

void AttachedAdapters::check(const at::Tensor& weights) const {
  if (weights.defined() && (weights.dim() != 2 || weights.size(1) != num_adapters_))
    throw Error(
        ErrorKind::kInternal, "attach",
        fmt::format("row weights are [{}], need [B, {}]", fmt::join(weights.sizes(), ", "), num_adapters_));
}

void AttachedAdapters::wear(const Attached& attached, const at::Tensor& weights) {
  LowRankUpdate update = attached.update;
  if (weights.defined())
    update.row_gate = weights.to(update.down.options()).index_select(1, attached.adapter_of_rank);  // [B, R]
  attached.slot->set(std::move(update));
}

void AttachedAdapters::set_row_weights(const at::Tensor& weights) {
  check(weights);
  for (const Attached& attached : attached_) wear(attached, weights);
  for (AttachedVector& vector : vectors_)
    *vector.parameter =
        vector.original +
        (weights.defined()
             ? weights.to(vector.deltas.options()).index_select(1, vector.adapter_of).matmul(vector.deltas)
             : vector.deltas.sum(0));  // [B, n] or [n]
}

void AttachedAdapters::set_row_weights(const std::string& target, const at::Tensor& weights) {
  check(weights);
  const auto found = std::ranges::lower_bound(attached_, target, {}, &Attached::target);
  if (found == attached_.end() || found->target != target)
    throw Error(ErrorKind::kInternal, "attach", "no adapter changes " + target);
  wear(*found, weights);
}

}  // namespace ziplora
