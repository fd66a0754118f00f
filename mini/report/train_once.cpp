#include "mini/report/train_once.h"

#include "ziplora/train/checkpoint.h"

namespace ziplora::mini {

void train_once(TrainRequest request, ProgressSink& progress, const CancelToken& cancel) {
  if (std::filesystem::exists(request.output)) return;
  if (latest_checkpoint(request.run_folder)) request.resume = request.run_folder;
  run_train(std::move(request), progress, cancel);
}

}  // namespace ziplora::mini
