// probe_unet_iteration: times training iterations (forward, mean squared error, backward) of the whole UNet
// of the base in arguments.folder. For tests/bench/unet_iteration.py. Arguments: folder; iterations;
// checkpointing.
#include "tests/parity/probe/iteration_clock.h"
#include "tests/parity/probe/model_gradients.h"
#include "tests/parity/probe/probes.h"
#include "ziplora/models/unet_2d_condition.h"

namespace ziplora::probe {

Response run_unet_iteration(const Request& request) {
  const std::filesystem::path folder = request.arguments.at("folder").get<std::string>();
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(read_config(folder / "unet")));
  load_trainable(unet, folder / "unet");
  unet.set_gradient_checkpointing(request.arguments.at("checkpointing"));
  const NamedTensors& in = request.inputs;

  std::vector<double> losses;
  IterationClock forward, clock;
  for (int i = 0; i < request.arguments.at("iterations").get<int>(); ++i) {
    for (at::Tensor& parameter : unet.parameters()) parameter.mutable_grad().reset();
    forward.begin();
    const at::Tensor noise_pred =
        unet.forward(in.at("latents"), in.at("timesteps"),
                     {in.at("prompt_embeds"), in.at("text_embeds"), in.at("time_ids")});
    forward.lap();
    const at::Tensor loss = (noise_pred - in.at("noise")).square().mean();
    loss.backward();
    clock.lap();
    losses.push_back(loss.item<double>());
  }
  Response response;
  response.values = clock.values();
  response.values["forward_seconds"] = forward.seconds;
  response.values["losses"] = losses;
  return response;
}

}  // namespace ziplora::probe
