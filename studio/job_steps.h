#pragma once
/// What a job comes to: runs of the program, one after the other. Most jobs are one; a grid is one for each cell. A step
/// whose report is there is done, so that a job goes on where it was.
///
///     for (const JobStep& step : steps_of(things, program, job)) …

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "studio/job_options.h"
#include "studio/program.h"

namespace ziplora::studio {

struct JobStep {
  std::string verb;
  JobOptions options;
  /// What drew the images, in one word; of an adapter it is its name.
  std::optional<std::string> contender = {};
  /// Of a grid's cells, "row,column", one for each image.
  std::vector<std::string> places = {};
  /// Whether its output is a result: what only a later step needs is none.
  bool is_result = true;
  bool resume = false;
  /// JSON that is written before it runs.
  std::map<std::filesystem::path, nlohmann::json> files = {};
};

struct JobPlan {
  std::string verb;
  nlohmann::json request;
  std::filesystem::path folder;
};

/// @throws as resolve_options
std::vector<JobStep> steps_of(const JobThings& things, const Program& program, const JobPlan& job);

/// The first of them that has a result.
const JobStep& main_step(const std::vector<JobStep>& steps);

/// Fills the step's folders of images, with their captions.
/// @param captions  image id → text
void provide_images(Gallery& gallery, const JobOptions& options, const nlohmann::json& captions);

/// Whether the run of this step left something to go on from; then its options are told so.
bool prepare_to_resume(JobStep& step, const std::filesystem::path& folder);

}  // namespace ziplora::studio
