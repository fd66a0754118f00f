#include "mini/pretrain/pretrain.h"

#include "mini/pretrain/mini_base.h"
#include "mini/pretrain/mini_config.h"
#include "mini/world/world.h"
#include "ziplora/base/atomic_folder.h"

namespace ziplora::mini {

nlohmann::json run_pretrain(const PretrainRequest& request, ProgressSink& progress,
                            const CancelToken& cancel) {
  // Refuses what cannot be written to before the hours of work, not after; the trial removes itself again.
  if (!request.output.empty()) const AtomicFolder trial(request.output, IfThere::kUpdate);
  World::prepare(request.world.assets, request.world.cache, progress, cancel);
  const World world(request.world.assets, request.world.cache, kImageSize);
  const PretrainOptions options{.run_folder = request.run_folder,
                                .from = request.from,
                                .seed = request.seed,
                                .autoencoder_iterations = request.autoencoder_iterations,
                                .contrastive_iterations = request.contrastive_iterations,
                                .judge_iterations = request.judge_iterations,
                                .unet_iterations = request.unet_iterations,
                                .unet_learning_rate = request.unet_learning_rate,
                                .threads = request.threads,
                                .checkpoint_every = request.checkpoint_every,
                                .sample_every = request.sample_every,
                                .validation_scenes = request.validation_scenes,
                                .working_dtype = request.bfloat16 ? at::kBFloat16 : at::kFloat};
  pretrain_base(options, world, progress, cancel);
  nlohmann::json report = {{"run_folder", request.run_folder.string()},
                           {"base", (request.run_folder / "base").string()}};
  if (!request.output.empty()) {
    export_base(request.run_folder, request.output, at::kHalf, cancel);
    report["output"] = request.output.string();
  }
  return report;
}

}  // namespace ziplora::mini
