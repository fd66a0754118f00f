// A whole trajectory with a fixed fake model: noise_pred = tanh(matrix · input) · 0.9 + timestep / 2000.
#include <ATen/ops/einsum.h>

#include "tests/parity/probe/probes.h"
#include "ziplora/base/rng.h"
#include "ziplora/diffusion/guidance.h"
#include "ziplora/diffusion/row_noise.h"
#include "ziplora/diffusion/scheduler.h"

namespace ziplora::probe {

Response run_scheduler(const Request& request) {
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(request.arguments.at("config")));
  SchedulerOptions options;
  options.karras_sigmas = request.arguments.at("karras");
  options.eta = request.arguments.value("eta", 0.0);
  const auto scheduler = make_scheduler(request.arguments.at("scheduler"), schedule, options);
  scheduler->set_steps(request.arguments.at("steps"));

  at::Tensor sample = request.inputs.at("noise") * scheduler->initial_noise_sigma();
  std::vector<at::Generator> generators;
  for (int64_t row = 0; row < sample.size(0); ++row)
    generators.push_back(
        make_generator(request.arguments.at("seed").get<uint64_t>() + static_cast<uint64_t>(row)));

  Response response;
  response.values["timesteps"] = scheduler->timesteps();
  response.values["initial_noise_sigma"] = scheduler->initial_noise_sigma();
  std::vector<at::Tensor> trajectory;
  for (size_t step = 0; step < scheduler->timesteps().size(); ++step) {
    const at::Tensor input = scheduler->scale_model_input(sample, step);
    const at::Tensor noise_pred =
        at::einsum("oc,bchw->bohw", {request.inputs.at("matrix"), input}).tanh() * 0.9 +
        scheduler->timesteps()[step] / 2000.0;
    sample = scheduler->step(noise_pred, step, sample, generators);
    trajectory.push_back(sample);
  }
  response.outputs["trajectory"] = at::stack(trajectory);
  response.outputs["guided"] = guide(at::cat({request.inputs.at("noise"), sample}), 5.0, 0.7);
  return response;
}

}  // namespace ziplora::probe
