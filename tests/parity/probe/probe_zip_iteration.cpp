// probe_zip_iteration: times iterations of zip on the base in arguments.folder, as it is in arguments.dtype.
// For tests/bench/zip_iteration.py. Inputs: the adapters as of probe_zip, one row for each in
// "noisy_latents" [iterations, K, C, h, w] and "timesteps" [iterations, K], and the conditioning of the K
// rows. Arguments: folder; dtype; iterations; overlap_weight; learning_rate; checkpointing.
#include <numeric>

#include "tests/parity/probe/iteration_clock.h"
#include "tests/parity/probe/model_gradients.h"
#include "tests/parity/probe/probes.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/merge/zip_loop.h"

namespace ziplora::probe {

Response run_zip_iteration(const Request& request) {
  const nlohmann::json& arguments = request.arguments;
  const std::filesystem::path folder = arguments.at("folder").get<std::string>();
  const at::ScalarType dtype = parse_dtype(arguments.at("dtype"), "the probe's dtype");
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(read_config(folder / "unet")));
  load_frozen(unet, folder / "unet", dtype, request.device());
  unet.set_gradient_checkpointing(arguments.at("checkpointing"));

  const at::Tensor noisy = request.inputs.at("noisy_latents"), timesteps = request.inputs.at("timesteps");
  std::vector<Adapter> adapters;
  for (int64_t k = 0; k < noisy.size(1); ++k) adapters.push_back(adapter_of_inputs(request, k));
  std::vector<const Adapter*> pointers;
  std::vector<AdapterTerm> terms;
  for (const Adapter& adapter : adapters) pointers.push_back(&adapter), terms.push_back({&adapter, 1.0});
  MergerCoefficients coefficients(MergerLayout(pointers, [](const std::string&) { return true; }));
  coefficients.values = coefficients.values.detach().to(request.device()).set_requires_grad(true);
  ZipObjective objective(Components{{"unet", &unet}}, terms, coefficients,
                         [&](const at::Tensor& x, const at::Tensor& t, const UNetConditioning& c) {
                           return unet.forward(x.to(dtype), t, c);
                         },
                         {.overlap_weight = arguments.at("overlap_weight")});

  const UNetConditioning conditioning{request.inputs.at("prompt_embeds").to(dtype),
                                      request.inputs.at("text_embeds").to(dtype),
                                      request.inputs.at("time_ids")};
  Adam optimizer({coefficients.values}, {.lr = arguments.at("learning_rate")});
  std::vector<double> losses;
  IterationClock clock;
  learn_coefficients(
      objective, optimizer,
      [&](int64_t iteration) {
        return ZipBatch{noisy[iteration], timesteps[iteration], conditioning, conditioning};
      },
      1.0, {.iterations = noisy.size(0)},
      [&](int64_t, const ZipLosses& loss) {
        clock.lap();
        losses.push_back(std::accumulate(loss.fidelity.begin(), loss.fidelity.end(), 0.0));
        return true;
      });
  Response response;
  response.values = clock.values();
  response.values["losses"] = losses;
  return response;
}

}  // namespace ziplora::probe
