#include "ziplora/app/train_safekeeping.h"

#include <fmt/format.h>

#include "ziplora/app/train_resume.h"
#include "ziplora/base/error.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

/// @return what a hint says of it
std::string keep(const DreamBoothRun& run, TrainRunFolder& folder, const TrainRequest& request) {
  const auto state = run.state_to_keep();
  if (!state || state->iteration == 0) return "run the same command again";
  try {
    const fs::path kept = folder.keep(*state);
    return fmt::format("{} iterations are kept; go on with: {}", state->iteration,
                       command_to_go_on(request, kept));
  } catch (const Error& error) {
    return fmt::format("no checkpoint could be kept: {}", error.problem());
  }
}

}  // namespace

std::string command_to_go_on(const TrainRequest& request, const fs::path& from) {
  std::error_code unseen;
  const fs::path run_folder = fs::is_directory(from, unseen) ? from : from.parent_path();
  std::string command = "ziplora train --resume " + from.string();
  if (!is_place_of_the_run(request.output, run_folder)) command += " -o " + request.output.string();
  return command;
}

void keep_if_it_fails(const DreamBoothRun& run, TrainRunFolder& folder, const TrainRequest& request,
                      ProgressSink& progress, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted || error.kind() == ErrorKind::kNonFinite) throw;
    throw Error(error.kind(), error.where(), error.problem(),
                error.hint() + (error.hint().empty() ? "" : "; ") + keep(run, folder, request));
  } catch (const std::exception&) {
    progress.warning(keep(run, folder, request));
    throw;
  }
}

}  // namespace ziplora
