// probe_zip_iteration: times iterations of zip on a UNet of arguments.config with random weights and random
// rank-r factors on every attention projection. For tests/bench/zip_iteration.py. Arguments: config; dtype;
// rank; adapters; iterations; side (of the latents); tokens; checkpointing.
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <chrono>

#include "probes.h"
#include "ziplora/base/peak_memory.h"
#include "ziplora/base/rng.h"
#include "ziplora/merge/zip_loop.h"

namespace ziplora::probe {
namespace {

/// Small random weights in the dtype itself: SDXL's 2.6 billion would not fit in float32 on the way.
void fill_randomly(Module& module, at::ScalarType dtype, at::Generator generator) {
  module.for_each_parameter([&](const std::string&, Module::Parameter& parameter) {
    int64_t fan_in = 1;
    for (size_t i = 1; i < parameter.shape.size(); ++i) fan_in *= parameter.shape[i];
    const double bound = parameter.shape.size() > 1 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0.5;
    *parameter.tensor = at::empty(parameter.shape, dtype).uniform_(-bound, bound, generator);
  });
}

bool is_attention_projection(const std::string& target) {
  return target.find(".attn") != std::string::npos &&
         (target.ends_with("to_q") || target.ends_with("to_k") || target.ends_with("to_v") ||
          target.ends_with("to_out.0"));
}

Adapter random_adapter(const Components& components, int64_t rank, at::ScalarType dtype,
                       at::Generator generator) {
  Adapter adapter;
  for (const auto& [target, place] : adapter_slots(components)) {
    if (!is_attention_projection(target)) continue;
    const int64_t out = place.weight.size(0), in = place.weight.size(1);
    adapter.layers[target] = {
        (at::randn({rank, in}, generator) / std::sqrt(static_cast<double>(in))).to(dtype),
        (at::randn({out, rank}, generator) * 0.05).to(dtype), std::nullopt};
  }
  return adapter;
}

}  // namespace

Response run_zip_iteration(const Request& request) {
  const nlohmann::json& arguments = request.arguments;
  const at::ScalarType dtype = arguments.at("dtype") == "bfloat16" ? at::kBFloat16 : at::kFloat;
  at::Generator generator = make_generator(0);
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(arguments.at("config")));
  fill_randomly(unet, dtype, generator);
  unet.requires_grad(false);
  unet.set_gradient_checkpointing(arguments.at("checkpointing"));
  const UNet2DConditionConfig& config = unet.config;

  const Components components{{"unet", &unet}};
  const int64_t count = arguments.at("adapters"), side = arguments.at("side"),
                tokens = arguments.at("tokens");
  std::vector<Adapter> adapters;
  for (int64_t k = 0; k < count; ++k)
    adapters.push_back(random_adapter(components, arguments.at("rank"), dtype, generator));
  std::vector<const Adapter*> pointers;
  std::vector<WeightedAdapter> weighted;
  for (const Adapter& adapter : adapters) pointers.push_back(&adapter), weighted.push_back({&adapter, 1.0});
  MergerCoefficients coefficients(MergerLayout(pointers, is_attention_projection));
  ZipObjective objective(components, weighted, coefficients,
                         [&](const at::Tensor& x, const at::Tensor& t, const UNetConditioning& c) {
                           return unet.forward(x.to(dtype), t, c);
                         },
                         {});

  const int64_t pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim;
  const UNetConditioning conditioning{
      at::randn({count, tokens, config.cross_attention_dim}, generator).to(dtype),
      at::randn({count, pooled}, generator).to(dtype), at::full({count, 6}, 8.0 * static_cast<double>(side))};
  Adam optimizer({coefficients.values}, {.lr = 0.01});
  std::vector<double> seconds;
  auto begin = std::chrono::steady_clock::now();
  learn_coefficients(
      objective, optimizer,
      [&](int64_t) {
        return ZipBatch{at::randn({count, config.in_channels, side, side}, generator),
                        at::randint(1000, {count}, generator, at::kLong), conditioning, conditioning};
      },
      1.0, {.iterations = arguments.at("iterations")},
      [&](int64_t, const ZipLosses&) {
        const auto now = std::chrono::steady_clock::now();
        seconds.push_back(std::chrono::duration<double>(now - begin).count());
        begin = now;
        return true;
      });
  Response response;
  response.values = {{"seconds", seconds},
                     {"peak_memory_bytes", peak_memory_bytes()},
                     {"coefficients", coefficients.layout.columns * count}};
  return response;
}

}  // namespace ziplora::probe
