// probe_zip: iterations of zip on the UNet in arguments.folder with given latents, noise and timesteps.
// Inputs: "<k>.down.<path>", "<k>.up.<path>" with arguments.scales[k]; "noisy_latents" [iterations, K·n, C,
// h, w], "timesteps" [iterations, K·n], and the conditioning of the K·n rows.
#include "model_gradients.h"
#include "ziplora/merge/zip_loop.h"

namespace ziplora::probe {
namespace {

Adapter read_adapter_inputs(const Request& request, size_t k) {
  const std::string down_prefix = std::to_string(k) + ".down.", up_prefix = std::to_string(k) + ".up.";
  Adapter adapter;
  for (const auto& [name, tensor] : request.inputs) {
    if (!name.starts_with(down_prefix)) continue;
    const std::string path = name.substr(down_prefix.size());
    adapter.layers["unet." + path] = {tensor, request.inputs.at(up_prefix + path), std::nullopt};
  }
  return adapter;
}

}  // namespace

Response run_zip(const Request& request) {
  const nlohmann::json& arguments = request.arguments;
  const std::filesystem::path folder = arguments.at("folder").get<std::string>();
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(read_config(folder)));
  load_trainable(unet, folder);
  unet.requires_grad(false);
  unet.set_gradient_checkpointing(arguments.value("checkpointing", false));

  const std::vector<double> weights = arguments.at("weights");
  std::vector<Adapter> adapters;
  for (size_t k = 0; k < weights.size(); ++k) adapters.push_back(read_adapter_inputs(request, k));
  std::vector<const Adapter*> pointers;
  std::vector<WeightedAdapter> weighted;
  for (size_t k = 0; k < weights.size(); ++k) {
    pointers.push_back(&adapters[k]);
    weighted.push_back({&adapters[k], weights[k]});
  }
  const std::vector<std::string> learned = arguments.at("learned");
  MergerCoefficients coefficients(MergerLayout(pointers, [&](const std::string& target) {
    return std::find(learned.begin(), learned.end(), target) != learned.end();
  }));
  ZipObjective objective(Components{{"unet", &unet}}, weighted, coefficients,
                         [&](const at::Tensor& x, const at::Tensor& t, const UNetConditioning& c) {
                           return unet.forward(x, t, c);
                         },
                         {.overlap_weight = arguments.at("overlap_weight"),
                          .overlap = &find_overlap_reading(arguments.at("overlap"))});

  const UNetConditioning conditioning{request.inputs.at("encoder_hidden_states"),
                                      request.inputs.at("text_embeds"), request.inputs.at("time_ids")};
  const at::Tensor noisy = request.inputs.at("noisy_latents"), timesteps = request.inputs.at("timesteps");
  Adam optimizer({coefficients.values}, {.lr = arguments.at("learning_rate")});
  std::vector<std::vector<double>> history;
  learn_coefficients(
      objective, optimizer,
      [&](int64_t iteration) {
        return ZipBatch{noisy[iteration], timesteps[iteration], conditioning, conditioning};
      },
      objective.overlap_per_layer().sum().item<double>(), {.iterations = noisy.size(0)},
      [&](int64_t, const ZipLosses& losses) {
        std::vector<double> row = losses.fidelity;
        row.push_back(losses.overlap);
        row.push_back(losses.total);
        history.push_back(row);
        return true;
      });
  Response response;
  response.values["history"] = history;
  response.values["mean_movement"] = coefficients.mean_movement();
  response.outputs = coefficients.named();
  return response;
}

}  // namespace ziplora::probe
