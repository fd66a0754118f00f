// probe_dreambooth_iteration: times DreamBooth iterations of a default-initialised UNet of arguments.config
// on the inputs as its one batch. For tests/bench/dreambooth_iteration.py. Arguments: config; iterations;
// rank; channels_last: memory format of the convolutions' weights.
#include <chrono>
#include <ctime>

#include "probes.h"
#include "ziplora/base/rng.h"
#include "ziplora/train/dreambooth_lora.h"

namespace ziplora::probe {
namespace {

/// Notes wall and CPU seconds of each step. The CPU's are of use where the machine is shared.
class Stopwatch : public NullProgress {
 public:
  void stage_started(const std::string&, int64_t) override { begin(); }
  void step_finished(const std::string&, int64_t, int64_t, const Metrics&) override {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - wall_;
    wall_seconds.push_back(wall.count());
    cpu_seconds.push_back(static_cast<double>(std::clock() - cpu_) / CLOCKS_PER_SEC);
    begin();
  }
  std::vector<double> wall_seconds, cpu_seconds;

 private:
  void begin() {
    wall_ = std::chrono::steady_clock::now();
    cpu_ = std::clock();
  }
  std::chrono::steady_clock::time_point wall_;
  std::clock_t cpu_ = 0;
};

}  // namespace

Response run_dreambooth_iteration(const Request& request) {
  const nlohmann::json& arguments = request.arguments;
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(arguments.at("config")));
  initialize(unet, make_generator(0));
  const NamedTensors& in = request.inputs;
  const TrainingBatch batch{in.at("latents"),        in.at("noise"),       in.at("timesteps"),
                            in.at("prompt_embeds"),  in.at("text_embeds"), in.at("time_ids"),
                            in.at("latents").size(0)};
  DreamBoothOptions options;
  options.adapter.rank = arguments.at("rank");
  options.iterations = arguments.at("iterations");
  const NoiseSchedule schedule{NoiseScheduleConfig()};
  DreamBoothRun run(unet, schedule, options);
  Stopwatch stopwatch;
  run.train([&](int64_t) { return batch; }, {}, stopwatch, CancelToken());
  Response response;
  response.values = {{"wall_seconds", stopwatch.wall_seconds},
                     {"cpu_seconds", stopwatch.cpu_seconds},
                     {"losses", run.losses()}};
  return response;
}

}  // namespace ziplora::probe
