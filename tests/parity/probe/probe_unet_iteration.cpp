// probe_unet_iteration: times training iterations (forward, mean squared error, backward) of a
// default-initialised UNet of arguments.config on inputs of the given shapes. For
// tests/bench/unet_iteration.py. Arguments: config; iterations; train_base; checkpointing.
#include <chrono>

#include "probes.h"
#include "ziplora/base/rng.h"
#include "ziplora/models/unet_2d_condition.h"

namespace ziplora::probe {

Response run_unet_iteration(const Request& request) {
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(request.arguments.at("config")));
  initialize(unet, make_generator(0));
  unet.requires_grad(true);
  unet.set_gradient_checkpointing(request.arguments.value("checkpointing", false));
  const NamedTensors& in = request.inputs;

  std::vector<double> forward_seconds, seconds;
  for (int i = 0; i < request.arguments.at("iterations").get<int>(); ++i) {
    for (at::Tensor& parameter : unet.parameters()) parameter.mutable_grad().reset();
    const auto begin = std::chrono::steady_clock::now();
    const at::Tensor noise_pred =
        unet.forward(in.at("sample"), in.at("timestep"),
                     {in.at("encoder_hidden_states"), in.at("text_embeds"), in.at("time_ids")});
    const auto middle = std::chrono::steady_clock::now();
    (noise_pred - in.at("noise")).square().mean().backward();
    const auto end = std::chrono::steady_clock::now();
    forward_seconds.push_back(std::chrono::duration<double>(middle - begin).count());
    seconds.push_back(std::chrono::duration<double>(end - begin).count());
  }
  Response response;
  response.values = {{"forward_seconds", forward_seconds}, {"seconds", seconds}};
  return response;
}

}  // namespace ziplora::probe
