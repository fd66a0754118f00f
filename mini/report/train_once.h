#pragma once
/// Trains a LoRA that is not there yet.
///
///     train_once(request, progress, cancel);   // again after Ctrl-C: goes on where it stopped

#include "ziplora/app/train.h"

namespace ziplora::mini {

/// Does nothing if the output is there; else goes on from what an interrupted run left in the request's run folder.
/// @throws as run_train
void train_once(TrainRequest request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora::mini
