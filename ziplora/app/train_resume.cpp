#include "ziplora/app/train_resume.h"

#include <fmt/format.h>

#include <map>

#include "ziplora/app/output_guard.h"
#include "ziplora/base/error.h"
#include "ziplora/data/image_folder.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/sha256.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

std::string absolute_text(const fs::path& path) { return fs::absolute(path).lexically_normal().string(); }

std::vector<fs::path> listed(const std::vector<fs::path>& folders_or_files) {
  std::vector<fs::path> images;
  for (const CaptionedImage& item : list_captioned_images(folders_or_files)) images.push_back(item.path);
  return images;
}

nlohmann::json absolute_paths(const std::vector<fs::path>& files) {
  nlohmann::json paths = nlohmann::json::array();
  for (const fs::path& file : files) paths.push_back(absolute_text(file));
  return paths;
}

nlohmann::json digests_of(const std::vector<fs::path>& files) {
  nlohmann::json digests = nlohmann::json::array();
  for (const fs::path& file : files) digests.push_back(sha256_of_file(file));
  return digests;
}

/// @return the file itself, or the run folder's newest checkpoint
fs::path checkpoint_of(const fs::path& folder_or_file) {
  if (!fs::is_directory(folder_or_file)) return folder_or_file;
  if (auto latest = latest_checkpoint(folder_or_file)) return *latest;
  throw Error(ErrorKind::kInput, "train: --resume " + folder_or_file.string(),
              "there is no checkpoint-*.safetensors in it",
              "give the run folder of an interrupted run, or start without --resume");
}

/// Refuses what a resumed run may not change.
struct RequireSame {
  std::string where;

  void operator()(const std::string& what, const nlohmann::json& now, const nlohmann::json& then) const {
    if (now == then) return;
    throw Error(ErrorKind::kIncompatible, where,
                fmt::format("{} is {} now and was {} when the run was started", what, json_line(now),
                            json_line(then)),
                "leave it out to go on with the run, or start a new run without --resume");
  }
};

std::vector<fs::path> remembered_images(const nlohmann::json& past, const std::string& where) {
  std::vector<fs::path> images;
  std::error_code unseen;  // what cannot be looked at is not there
  for (const auto& image : past.at("images")) {
    images.emplace_back(image.get<std::string>());
    if (!fs::exists(images.back(), unseen))
      throw Error(ErrorKind::kInput, where, images.back().string() + " does not exist any more",
                  "say where the images are now: train FOLDER --resume …");
  }
  return images;
}

/// The images of the past run, in its order, where they lie now.
std::vector<fs::path> moved_images(const std::vector<fs::path>& now, const nlohmann::json& past,
                                   const RequireSame& require_same) {
  const nlohmann::json paths = absolute_paths(now);
  if (paths == past.at("images")) return now;
  std::multimap<std::string, fs::path> by_digest;
  for (const fs::path& file : now) by_digest.emplace(sha256_of_file(file), file);
  std::vector<fs::path> images;
  // A checkpoint of an earlier build has no digests.
  for (const auto& digest : past.value("image_sha256", nlohmann::json::array()))
    if (const auto found = by_digest.find(digest.get<std::string>()); found != by_digest.end()) {
      images.push_back(found->second);
      by_digest.erase(found);
    }
  if (!by_digest.empty() || images.size() != past.at("images").size())
    require_same("the list of images", paths, past.at("images"));
  return images;
}

/// The settings of the past run with those of the request in their place, where they may change.
nlohmann::json resumed_settings(const nlohmann::json& past, const nlohmann::json& asked,
                                const RequireSame& require_same) {
  nlohmann::json settings = past;
  for (const auto& [name, value] : asked.items()) {
    // An unknown name is refused later, when the settings are resolved.
    const TrainSetting* setting = find_train_setting(name);
    if (setting && setting->scope == SettingScope::kCourse)
      require_same(setting->flag(), value, past.at(name));
    settings[name] = value;
  }
  return settings;
}

}  // namespace

nlohmann::json remembered_request(const TrainRequest& request, const std::vector<fs::path>& images,
                                  const TrainSettings& settings) {
  return {{"images", absolute_paths(images)},
          {"image_sha256", digests_of(images)},
          {"prompt", request.prompt},
          {"output", absolute_text(request.output)},
          {"base", absolute_text(request.base.value())},
          {"settings", to_json(settings)}};
}

bool is_place_of_the_run(const fs::path& output, const fs::path& run_folder) {
  std::error_code unseen;
  return (lies_in(output, fs::current_path(unseen)) || lies_in(output, run_folder)) &&
         (!fs::exists(output, unseen) || output.extension() == ".safetensors");
}

namespace {

/// Where the checkpoint says, if that is no surprise: it may come from elsewhere.
fs::path remembered_output(const nlohmann::json& past, const fs::path& run_folder, const std::string& where) {
  fs::path output = past.at("output").get<std::string>();
  if (!is_place_of_the_run(output, run_folder))
    throw Error(ErrorKind::kUsage, where,
                fmt::format("the checkpoint says to write {}, which is neither in this folder nor in that of "
                            "the run, or not a .safetensors file",
                            output.string()),
                "if that is what you want, say so: -o " + output.string());
  return output;
}

void complete(TrainRequest& request, const fs::path& file, const TrainingCheckpoint& checkpoint) {
  const nlohmann::json& past = checkpoint.settings;
  const RequireSame require_same{"train: --resume " + file.string()};
  if (!request.prompt.empty()) require_same("--prompt", request.prompt, past.at("prompt"));
  if (request.base) require_same("--base", absolute_text(*request.base), past.at("base"));
  request.prompt = past.at("prompt").get<std::string>();
  request.base = past.at("base").get<std::string>();
  request.images = request.images.empty() ? remembered_images(past, require_same.where)
                                          : moved_images(listed(request.images), past, require_same);
  if (request.run_folder.empty()) request.run_folder = file.parent_path();
  if (request.output.empty())
    request.output = remembered_output(past, request.run_folder, require_same.where);

  request.settings = resumed_settings(past.at("settings"), request.settings, require_same);
  const nlohmann::json& iterations = request.settings.at("iterations");
  if (iterations < checkpoint.iteration)
    throw Error(ErrorKind::kIncompatible, require_same.where,
                fmt::format("{} iterations are done already, more than --iterations {}", checkpoint.iteration,
                            json_line(iterations)),
                "resume from an earlier checkpoint of the run folder");
}

}  // namespace

std::optional<ResumePoint> take_over(TrainRequest& request) {
  if (!request.resume) return std::nullopt;
  const fs::path file = checkpoint_of(*request.resume);
  TrainingCheckpoint checkpoint = read_checkpoint(file);
  try {
    complete(request, file, checkpoint);
  } catch (const nlohmann::json::exception& missing) {
    throw Error(ErrorKind::kInput, "train: --resume " + file.string(),
                fmt::format("the checkpoint does not say how its run was started: {}", missing.what()),
                "resume from a checkpoint that ziplora train wrote");
  }
  return ResumePoint{file, std::move(checkpoint)};
}

}  // namespace ziplora
