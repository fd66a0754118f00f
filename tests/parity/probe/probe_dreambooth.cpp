// probe_dreambooth: the training loop on the UNet in arguments.folder, with the initial factors and the
// batches of the inputs: "factor.<target>.down|up" and "<n>.latents", "<n>.noise", "<n>.timesteps", … for
// batch n.
#include "tests/parity/probe/model_gradients.h"
#include "tests/parity/probe/probes.h"
#include "ziplora/train/dreambooth_lora.h"

namespace ziplora::probe {

Response run_dreambooth(const Request& request) {
  const nlohmann::json& arguments = request.arguments;
  const std::filesystem::path folder = arguments.at("folder").get<std::string>();
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(read_config(folder)));
  load_trainable(unet, folder, "diffusion_pytorch_model", request.device());
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(arguments.at("schedule")));

  DreamBoothOptions options;
  options.adapter.rank = arguments.at("rank");
  options.adapter.lora_alpha = arguments.at("lora_alpha");
  if (arguments.at("all_linear")) options.adapter.targets = "linear";
  options.loss.prior_weight = arguments.at("prior_weight");
  if (!arguments.at("min_snr_gamma").is_null()) options.loss.min_snr_gamma = arguments.at("min_snr_gamma");
  options.adam.lr = arguments.at("lr");
  options.adam.weight_decay = arguments.at("weight_decay");
  options.adam.decoupled = options.adam.weight_decay > 0;
  options.lr_schedule = arguments.at("lr_schedule");
  options.warmup = arguments.at("warmup");
  options.iterations = arguments.at("iterations");
  options.gradient_accumulation = arguments.at("gradient_accumulation");
  options.gradient_checkpointing = arguments.at("gradient_checkpointing");

  TrainingCheckpoint start;
  for (const auto& [name, tensor] : request.inputs)
    if (name.starts_with("factor.")) start.factors[name.substr(7)] = tensor;
  const BatchSource batches = [&](int64_t n) {
    const auto input = [&](const char* name) { return request.inputs.at(std::to_string(n) + "." + name); };
    return TrainingBatch{
        input("latents"),       input("noise"),    input("timesteps"),           input("prompt_embeds"),
        input("pooled_embeds"), input("time_ids"), arguments.at("instance_rows")};
  };

  DreamBoothRun run(unet, schedule, options);
  run.restore(start, "the test's factors");
  NullProgress progress;
  run.train(batches, {}, progress, CancelToken());
  Response response;
  response.values["losses"] = run.losses();
  response.outputs = run.adapter().factors();
  return response;
}

}  // namespace ziplora::probe
