#pragma once
/// What a checkpoint remembers of the request that started its run, so that `--resume RUN` needs no other
/// flag and cannot by mistake go on as another run.
///
///     checkpoint.settings = remembered_request(request, images, settings);     // when saving
///     take_over(request, read_checkpoint(path), path);                          // when resuming

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "ziplora/app/train.h"
#include "ziplora/app/train_settings.h"
#include "ziplora/train/checkpoint.h"

namespace ziplora {

/// @param images  the files themselves: an image added to their folder later is no part of the run
nlohmann::json remembered_request(const TrainRequest& request,
                                  const std::vector<std::filesystem::path>& images,
                                  const TrainSettings& settings);

/// @return the file itself, or the run folder's newest checkpoint
/// @throws Error(kInput) if a folder holds none
std::filesystem::path checkpoint_to_resume(const std::filesystem::path& folder_or_file);

/// Completes the request from the checkpoint at `path`.
/// @throws Error(kIncompatible) if the request names other images, another prompt, base or setting of the
/// course,
///         or fewer iterations than are done
void take_over(TrainRequest& request, const TrainingCheckpoint& checkpoint,
               const std::filesystem::path& path);

}  // namespace ziplora
