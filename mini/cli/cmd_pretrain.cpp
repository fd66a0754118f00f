// ziplora-mini pretrain: trains the miniature from scratch.
#include <memory>

#include "mini/cli/commands.h"
#include "mini/cli/world_flags.h"
#include "mini/pretrain/pretrain.h"

namespace ziplora::mini::cli {

Verb pretrain_command(CLI::App& app) {
  auto request = std::make_shared<PretrainRequest>();
  PretrainOptions& options = request->options;
  app.add_option("-o,--output", request->output, "Export the finished base to this folder, in float16");
  app.add_option("--run-folder", options.run_folder,
                 "Keep checkpoints, metrics and samples here; the same folder resumes a run");
  app.add_option(
      "--from", options.from,
      "Continue with the judge and the UNet of this base, such as assets/mini; give another --seed, "
      "or the same scenes come again");
  add_world_flags(app, request->world);
  app.add_option("--autoencoder-iterations", options.autoencoder_iterations,
                 "Train the autoencoder for INT batches of 8")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--contrastive-iterations", options.contrastive_iterations,
                 "Train the text encoders for INT batches of 128")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--judge-iterations", options.judge_iterations,
                 "Train the judge for INT batches of 128; 0 leaves it as it is")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--unet-iterations", options.unet_iterations,
                 "Train the UNet for INT batches of 64; 0 leaves it as it is")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--unet-learning-rate", options.unet_learning_rate,
                 "Set the highest learning rate; over the last quarter of the run it falls to a hundredth")
      ->check(CLI::PositiveNumber);
  app.add_option("--batch-size", options.batch_size,
                 "Train the text encoders, the judge and the UNet on batches of INT scenes, a multiple of 4")
      ->check(CLI::PositiveNumber);
  app.add_option(
         "--threads", options.threads,
         "Share a batch among INT copies of the judge and the UNet, one core each; fastest with one a core")
      ->check(CLI::Range(1, 64));
  app.add_option("--checkpoint-every", options.checkpoint_every, "Save a checkpoint every INT iterations");
  app.add_option("--sample-every", options.sample_every, "Draw a sample sheet every INT iterations");
  app.add_option("--sample-steps", options.sample_steps,
                 "Denoise sample sheets, and what the Fréchet distance is measured on, in INT steps")
      ->check(CLI::PositiveNumber);
  app.add_option("--validation-scenes", options.validation_scenes,
                 "Measure the UNet on INT unseen scenes at every sample sheet; 0 skips it")
      ->check(CLI::NonNegativeNumber & !CLI::IsMember({1}));
  app.add_flag("--bfloat16,!--no-bfloat16", options.bfloat16,
               "Compute in bfloat16: twice as fast with AVX512-BF16 or AMX, far slower elsewhere");
  app.add_option("--seed", options.seed, "Seed every random draw");
  app.footer(example("ziplora-mini pretrain --run-folder runs/base -o assets/mini"));
  return {[request](CommandContext& context) {
    const PretrainResult result = run_pretrain(*request, context.progress, context.cancel);
    context.print_result(to_json(result), result.output.value_or(result.base).string());
  }};
}

}  // namespace ziplora::mini::cli
