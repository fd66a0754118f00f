// probe_unet_call: times forward passes of the UNet of the base in arguments.folder without gradients, as a
// step of denoising makes them. For tests/bench/unet_call.py. The first `warm_up` calls are not timed.
// Arguments: folder; dtype; warm_up; calls.
#include <c10/core/InferenceMode.h>

#include "tests/parity/probe/iteration_clock.h"
#include "tests/parity/probe/model_gradients.h"
#include "tests/parity/probe/probes.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/models/unet_2d_condition.h"

namespace ziplora::probe {

Response run_unet_call(const Request& request) {
  const nlohmann::json& arguments = request.arguments;
  const std::filesystem::path folder = arguments.at("folder").get<std::string>();
  const at::ScalarType dtype = parse_dtype(arguments.at("dtype"), "the probe's dtype");
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(read_config(folder / "unet")));
  load_frozen(unet, folder / "unet", dtype);

  const c10::InferenceMode no_gradients;
  const NamedTensors& in = request.inputs;
  const UNetConditioning conditioning{in.at("prompt_embeds").to(dtype), in.at("text_embeds").to(dtype),
                                      in.at("time_ids")};
  const at::Tensor latents = in.at("latents").to(dtype);
  const auto call = [&] { return unet.forward(latents, in.at("timesteps"), conditioning); };
  at::Tensor noise_pred;
  for (int i = 0; i < arguments.at("warm_up").get<int>(); ++i) noise_pred = call();
  IterationClock clock;
  for (int i = 0; i < arguments.at("calls").get<int>(); ++i) {
    noise_pred = call();
    clock.lap();
  }
  Response response;
  response.outputs["noise_pred"] = noise_pred.to(at::kFloat).contiguous();
  response.values = clock.values();
  return response;
}

}  // namespace ziplora::probe
