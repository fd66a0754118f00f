#include "mini/pretrain/pretrain.h"

#include "mini/pretrain/mini_config.h"
#include "mini/world/world.h"
#include "ziplora/base/atomic_folder.h"

namespace ziplora::mini {

nlohmann::json to_json(const PretrainResult& result) {
  nlohmann::json json = {{"run_folder", result.run_folder.string()}, {"base", result.base.string()}};
  if (result.output) json["output"] = result.output->string();
  return json;
}

PretrainResult run_pretrain(const PretrainRequest& request, ProgressSink& progress,
                            const CancelToken& cancel) {
  // An output that cannot be written is refused before hours of work; the trial removes itself.
  if (!request.output.empty()) const AtomicFolder trial(request.output, IfThere::kUpdate);
  World::prepare(request.world.assets, request.world.cache, progress, cancel);
  const World world(request.world.assets, request.world.cache, kImageSize);
  pretrain_base(request.options, world, progress, cancel);
  const std::filesystem::path& run_folder = request.options.run_folder;
  PretrainResult result{run_folder, run_folder / "base", {}};
  if (!request.output.empty()) {
    export_base(run_folder, request.output, at::kHalf, cancel);
    result.output = request.output;
  }
  return result;
}

}  // namespace ziplora::mini
