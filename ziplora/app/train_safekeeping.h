#pragma once
/// Whatever ends a training run must not lose what it has learned: a full disk, a folder that is gone, memory
/// that runs out.
///
///     keep_if_it_fails(run, folder, request, progress, [&] { run.train(…); });
///     keep_if_it_fails(run, folder, request, progress, [&] { result = write_lora(…); });

#include <functional>
#include <string>

#include "ziplora/app/train.h"
#include "ziplora/app/train_run_folder.h"
#include "ziplora/base/progress.h"
#include "ziplora/train/dreambooth_lora.h"

namespace ziplora {

/// The command that goes on from there: `ziplora train --resume runs/dog`.
/// @param from  a run folder, or a checkpoint
std::string command_to_go_on(const TrainRequest& request, const std::filesystem::path& from);

/// Calls `work`. If it fails, saves a checkpoint, in the run folder or wherever there is room; the error then
/// says how to go on. Not after Ctrl-C, for which the run has saved one, and not if the run has diverged.
/// @throws what `work` throws
void keep_if_it_fails(const DreamBoothRun& run, TrainRunFolder& folder, const TrainRequest& request,
                      ProgressSink& progress, const std::function<void()>& work);

}  // namespace ziplora
