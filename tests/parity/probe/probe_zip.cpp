// probe_zip: iterations of zip on the UNet in arguments.folder with given latents, noise and timesteps.
// Inputs: "<k>.down.<path>", "<k>.up.<path>" with arguments.weights[k], "start.<k>.unet.<path>"
// (coefficients); "noisy_latents" [iterations, rows, C, h, w], "timesteps" [iterations, rows], and the
// conditioning of the rows, K·n or with arguments.joint_weight above 0 (K + 1)·n. Everything runs in the dtype of
// "noisy_latents", on arguments.device. Gives the coefficients after the last iteration and, as "gradient.<name>",
// the gradient of the first.
#include "tests/parity/probe/model_gradients.h"
#include "ziplora/merge/zip_loop.h"

namespace ziplora::probe {
namespace {

NamedTensors start_values(const Request& request) {
  const std::string prefix = "start.";
  NamedTensors start;
  for (const auto& [name, tensor] : request.inputs)
    if (name.starts_with(prefix)) start[name.substr(prefix.size())] = tensor;
  return start;
}

void add_gradient(const MergerCoefficients& coefficients, Response& response) {
  const at::Tensor gradient = coefficients.values.grad();
  for (const MergerLayout::Segment& segment : coefficients.layout.segments)
    for (int64_t k = 0; k < coefficients.layout.adapter_count; ++k)
      if (segment.held[k])
        response.outputs["gradient." + std::to_string(k) + "." + segment.target] =
            gradient[k].narrow(0, segment.offset, segment.size).clone();
}

}  // namespace

Response run_zip(const Request& request) {
  const nlohmann::json& arguments = request.arguments;
  const std::filesystem::path folder = arguments.at("folder").get<std::string>();
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(read_config(folder)));
  const at::Tensor noisy = request.inputs.at("noisy_latents"), timesteps = request.inputs.at("timesteps");
  load_trainable(unet, folder, "diffusion_pytorch_model", request.device());
  unet.requires_grad(false);
  unet.for_each_parameter([&](const std::string&, Module::Parameter& parameter) {
    *parameter.tensor = parameter.tensor->to(noisy.scalar_type());
  });
  unet.set_gradient_checkpointing(arguments.value("checkpointing", false));

  const std::vector<double> weights = arguments.at("weights");
  std::vector<Adapter> adapters;
  for (size_t k = 0; k < weights.size(); ++k)
    adapters.push_back(adapter_of_inputs(request, static_cast<int64_t>(k)));
  std::vector<const Adapter*> pointers;
  std::vector<AdapterTerm> terms;
  for (size_t k = 0; k < weights.size(); ++k) {
    pointers.push_back(&adapters[k]);
    terms.push_back({&adapters[k], weights[k]});
  }
  const std::vector<std::string> learned = arguments.at("learned");
  const auto is_learned = [&](const std::string& target) {
    return std::find(learned.begin(), learned.end(), target) != learned.end();
  };
  MergerCoefficients coefficients(MergerLayout(pointers, is_learned), noisy.scalar_type());
  coefficients.load(start_values(request));
  coefficients.values = coefficients.values.detach().to(request.device()).set_requires_grad(true);
  std::vector<JointTerm> joints;
  if (const double weight = arguments.at("joint_weight"); weight > 0)
    joints.push_back({weight, arguments.at("joint_shares")});
  ZipObjective objective(
      Components{{"unet", &unet}}, terms, coefficients,
      [&](const at::Tensor& x, const at::Tensor& t, const UNetConditioning& c) {
        return unet.forward(x, t, c);
      },
      {.overlap_weight = arguments.at("overlap_weight"),
       .overlap = &find_overlap_reading(arguments.at("overlap")),
       .overlap_over = arguments.at("overlap_over") == "mean" ? OverlapOver::kMean : OverlapOver::kSum,
       .joints = joints});

  const UNetConditioning conditioning{request.inputs.at("encoder_hidden_states"),
                                      request.inputs.at("text_embeds"), request.inputs.at("time_ids")};
  Adam optimizer({coefficients.values}, {.lr = arguments.at("learning_rate")});
  std::vector<std::vector<double>> history;
  Response response;
  learn_coefficients(
      objective, optimizer,
      [&](int64_t iteration) {
        return ZipBatch{noisy[iteration], timesteps[iteration], conditioning, conditioning};
      },
      objective.overlap_per_layer().sum().item<double>(), {.iterations = noisy.size(0)},
      [&](int64_t iteration, const ZipLosses& losses) {
        if (iteration == 0) add_gradient(coefficients, response);
        std::vector<double> row = losses.fidelity;
        row.push_back(losses.overlap);
        row.push_back(losses.total);
        history.push_back(row);
        return true;
      });
  response.values["history"] = history;
  response.values["mean_movement"] = coefficients.mean_movement();
  response.outputs.merge(coefficients.named());
  return response;
}

}  // namespace ziplora::probe
