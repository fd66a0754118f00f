// ziplora pretrain: trains the embedded base from nothing.
#include <memory>

#include "cli/frame/command.h"
#include "mini/pretrain/pretrain.h"

namespace ziplora::mini::cli {

Run pretrain_command(CLI::App& app) {
  struct Flags {
    PretrainRequest request;
    std::string world, cache, run_folder, from, output;
  };
  auto flags = std::make_shared<Flags>();
  PretrainRequest& request = flags->request;
  flags->world = request.world.assets.string();
  flags->cache = request.world.cache.string();
  flags->run_folder = request.run_folder.string();
  app.add_option("-o,--output", flags->output, "folder to export the finished base to, in float16");
  app.add_option("--run-folder", flags->run_folder, "checkpoints, metrics, samples; the same one goes on");
  app.add_option("--from", flags->from,
                 "go on with the judge and the UNet of this base, e.g. assets/mini; give another --seed, or "
                 "the same scenes come again");
  app.add_option("--world", flags->world, "the catalogue of subjects, styles and backgrounds");
  app.add_option("--cache", flags->cache, "drawings: packages and what was rendered of them");
  app.add_option("--autoencoder-iterations", request.autoencoder_iterations, "batches of 8")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--contrastive-iterations", request.contrastive_iterations, "batches of 128")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--judge-iterations", request.judge_iterations,
                 "batches of 128; 0: the judge stays as it is")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--unet-iterations", request.unet_iterations, "batches of 64; 0: the UNet stays as it is")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--unet-learning-rate", request.unet_learning_rate,
                 "at its highest; the last quarter of the run falls to a hundredth of it")
      ->check(CLI::PositiveNumber);
  app.add_option(
         "--threads", request.threads,
         "copies of the judge and of the UNet that share a batch, each on one core; fastest: one a core")
      ->check(CLI::Range(1, 64));
  app.add_option("--checkpoint-every", request.checkpoint_every, "iterations");
  app.add_option("--sample-every", request.sample_every, "iterations between sample sheets");
  app.add_option("--validation-scenes", request.validation_scenes,
                 "unseen scenes that the UNet is measured by at every sample sheet; 0: none")
      ->check(CLI::NonNegativeNumber & !CLI::IsMember({1}));
  app.add_flag(
      "--bfloat16,!--no-bfloat16", request.bfloat16,
      "forward and backward passes in bfloat16: twice as fast on AVX512-BF16 or AMX, hopeless elsewhere");
  app.add_option("--seed", request.seed, "of everything drawn at random");
  app.footer(example("ziplora pretrain --run-folder runs/base -o assets/mini"));
  return [flags](CommandContext& context) {
    PretrainRequest& request = flags->request;
    request.world = {flags->world, flags->cache};
    request.run_folder = flags->run_folder;
    request.from = flags->from;
    request.output = flags->output;
    const nlohmann::json report = run_pretrain(request, context.progress, context.cancel);
    context.print_result(report, report.value("output", report.at("base").get<std::string>()));
  };
}

}  // namespace ziplora::mini::cli
