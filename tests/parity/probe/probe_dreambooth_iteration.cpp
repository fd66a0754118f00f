// probe_dreambooth_iteration: times DreamBooth iterations on the base in arguments.folder, as it is in
// arguments.dtype, with the inputs as the one batch. For tests/bench/dreambooth_iteration.py. Arguments:
// folder; dtype; device; factors (a file of the first "<target>.down|up": as inputs they would stay in memory);
// rank; iterations; checkpointing.
#include "tests/parity/probe/iteration_clock.h"
#include "tests/parity/probe/model_gradients.h"
#include "tests/parity/probe/probes.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/models/diffusers_folder.h"
#include "ziplora/train/dreambooth_lora.h"

namespace ziplora::probe {
namespace {

class TimedProgress : public NullProgress {
 public:
  void stage_started(const std::string&, int64_t) override { clock.begin(); }
  void step_finished(const std::string&, int64_t, int64_t, const Metrics&) override { clock.lap(); }

  IterationClock clock;
};

void restore_factors(DreamBoothRun& run, const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  TrainingCheckpoint start;
  for (const auto& [name, info] : file.tensors()) start.factors[name] = file.tensor(name);
  run.restore(start, path.string());
}

}  // namespace

Response run_dreambooth_iteration(const Request& request) {
  const nlohmann::json& arguments = request.arguments;
  const std::filesystem::path folder = arguments.at("folder").get<std::string>();
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(read_config(folder / "unet")));
  DreamBoothOptions options;
  options.loss.unet_dtype = parse_dtype(arguments.at("dtype"), "the probe's dtype");
  load_frozen(unet, folder / "unet", options.loss.unet_dtype, request.device());
  options.adapter.rank = arguments.at("rank");
  options.adapter.lora_alpha = arguments.at("rank");
  options.iterations = arguments.at("iterations");
  options.gradient_checkpointing = arguments.at("checkpointing");
  const NoiseSchedule schedule(
      NoiseScheduleConfig::from_json(read_json_object(folder / "scheduler" / "scheduler_config.json")));
  DreamBoothRun run(unet, schedule, options);
  restore_factors(run, arguments.at("factors").get<std::string>());

  const NamedTensors& in = request.inputs;
  const TrainingBatch batch{in.at("latents"),        in.at("noise"),       in.at("timesteps"),
                            in.at("prompt_embeds"),  in.at("text_embeds"), in.at("time_ids"),
                            in.at("latents").size(0)};
  TimedProgress progress;
  run.train([&](int64_t) { return batch; }, {}, progress, CancelToken());
  Response response;
  response.values = progress.clock.values();
  response.values["losses"] = run.losses();
  return response;
}

}  // namespace ziplora::probe
