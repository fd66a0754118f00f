#pragma once
/// What a checkpoint remembers of the request that started its run, so that `--resume RUN` needs no other
/// flag and cannot go on as another run by mistake.
///
///     checkpoint.settings = remembered_request(request, images, settings);   // when saving
///     std::optional<ResumePoint> resumed = take_over(request);               // when resuming

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "ziplora/app/train.h"
#include "ziplora/app/train_settings.h"
#include "ziplora/train/checkpoint.h"

namespace ziplora {

/// @param images  the files themselves: an image that is added to their folder later is not part of the run
nlohmann::json remembered_request(const TrainRequest& request,
                                  const std::vector<std::filesystem::path>& images,
                                  const TrainSettings& settings);

/// Whether a run that goes on may write there without being told so anew: its file lies in the folder that the
/// program runs in, or in the run folder, and replaces nothing but a .safetensors.
bool is_place_of_the_run(const std::filesystem::path& output, const std::filesystem::path& run_folder);

struct ResumePoint {
  std::filesystem::path file;
  TrainingCheckpoint checkpoint;
};

/// Completes a request with `resume` from the checkpoint that it names, or from the newest of the run folder that it names.
/// Images that lie elsewhere by now are named in the request; their bytes tell which is which.
/// @return nothing for a request without `resume`
/// @throws Error(kInput) if there is no checkpoint, it cannot be read, or an image is gone; Error(kIncompatible) if the
///         request names other images, another prompt, base or fixed setting, or fewer iterations than are done;
///         Error(kUsage) if the output is the checkpoint's alone and not is_place_of_the_run
std::optional<ResumePoint> take_over(TrainRequest& request);

}  // namespace ziplora
