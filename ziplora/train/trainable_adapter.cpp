#include "ziplora/train/trainable_adapter.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"
#include "ziplora/nn/initialization.h"
#include "ziplora/train/trained_targets.h"

namespace ziplora {
TrainableAdapter::TrainableAdapter(UNet2DConditionModel& unet, const TrainableAdapterOptions& options,
                                   at::Generator generator)
    : options(options) {
  const TrainedTargets& targets = find_trained_targets(options.targets);
  unet.requires_grad(false);
  unet.for_each_module([&](const std::string& path, Module& module) {
    auto* linear = dynamic_cast<Linear*>(&module);
    if (!linear || !targets.includes(path)) return;
    Layer layer{"unet." + path, linear, {}, {}};
    fill_uniform_fan_in(layer.down, {options.rank, linear->in_features}, linear->in_features, generator);
    fill_constant(layer.up, {linear->out_features, options.rank}, 0);
    for (at::Tensor* factor : {&layer.down, &layer.up})
      *factor = factor->to(linear->weight.device()).detach().set_requires_grad(true);
    layers_.push_back(std::move(layer));
  });
  if (layers_.empty())
    throw Error(ErrorKind::kIncompatible, "train", "the base's UNet has no attention layer to train",
                "train on a base of SDXL's architecture");
}

TrainableAdapter::~TrainableAdapter() {
  for (Layer& layer : layers_) layer.linear->adapter.clear();
}

void TrainableAdapter::bind(at::ScalarType dtype) {
  const double scale = options.lora_alpha / static_cast<double>(options.rank);
  for (Layer& layer : layers_) {
    at::Tensor scaled_up = scale == 1.0 ? layer.up : layer.up * scale;
    layer.linear->adapter.set({layer.down.to(dtype), scaled_up.to(dtype), {}});
  }
}

std::vector<at::Tensor> TrainableAdapter::parameters() const {
  std::vector<at::Tensor> result;
  for (const Layer& layer : layers_) result.insert(result.end(), {layer.down, layer.up});
  return result;
}

NamedTensors TrainableAdapter::factors() const {
  NamedTensors result;
  for (const Layer& layer : layers_) {
    result[layer.target + ".down"] = layer.down.detach();
    result[layer.target + ".up"] = layer.up.detach();
  }
  return result;
}

void TrainableAdapter::load_factors(const NamedTensors& factors, const std::string& source) {
  NamedTensors own = this->factors();
  for (const auto& [name, values] : factors)
    if (!own.count(name))
      throw Error(ErrorKind::kIncompatible, "train: " + source, fmt::format("unexpected factor '{}'", name),
                  "resume with the base and --targets of the first run");
  at::NoGradGuard no_grad;
  for (auto& [name, factor] : own) {
    auto found = factors.find(name);
    if (found == factors.end())
      throw Error(ErrorKind::kIncompatible, "train: " + source, fmt::format("factor '{}' is missing", name),
                  "resume with the base and --targets of the first run");
    if (found->second.sizes() != factor.sizes())
      throw Error(ErrorKind::kIncompatible, "train: " + source,
                  fmt::format("'{}' is [{}], this run needs [{}]", name,
                              fmt::join(found->second.sizes(), ", "), fmt::join(factor.sizes(), ", ")),
                  "resume with the base and --rank of the first run");
    factor.copy_(found->second);
  }
}

Adapter TrainableAdapter::snapshot() const {
  at::NoGradGuard no_grad;
  Adapter adapter;
  for (const Layer& layer : layers_)
    adapter.layers[layer.target] = {layer.down.detach().to(at::kCPU, at::kFloat, false, true),
                                    layer.up.detach().to(at::kCPU, at::kFloat, false, true),
                                    options.lora_alpha};
  return adapter;
}

}  // namespace ziplora
