#include "ziplora/app/train_resume.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/data/image_folder.h"

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

}  // namespace

nlohmann::json remembered_request(const TrainRequest& request, const std::vector<fs::path>& images,
                                  const TrainSettings& settings) {
  return {{"images", absolute_paths(images)},
          {"prompt", request.prompt},
          {"output", absolute_text(request.output)},
          {"base", absolute_text(request.base.value())},
          {"settings", to_json(settings)}};
}

fs::path checkpoint_to_resume(const fs::path& folder_or_file) {
  if (!fs::is_directory(folder_or_file)) return folder_or_file;
  if (auto latest = latest_checkpoint(folder_or_file)) return *latest;
  throw Error(ErrorKind::kInput, "train: --resume " + folder_or_file.string(),
              "there is no checkpoint-*.safetensors in it",
              "give the run folder of an interrupted run, or start without --resume");
}

void take_over(TrainRequest& request, const TrainingCheckpoint& checkpoint, const fs::path& path) {
  const nlohmann::json& past = checkpoint.settings;
  const std::string where = "train: --resume " + path.string();
  const auto require_same = [&](const std::string& what, const nlohmann::json& now,
                                const nlohmann::json& then) {
    if (now != then)
      throw Error(
          ErrorKind::kIncompatible, where,
          fmt::format("{} is {} now and was {} when the run was started", what, now.dump(), then.dump()),
          "leave it out to go on with the run, or start a new run without --resume");
  };
  if (!request.prompt.empty()) require_same("--prompt", request.prompt, past.at("prompt"));
  if (request.base) require_same("--base", absolute_text(*request.base), past.at("base"));
  if (!request.images.empty())
    require_same("the list of images", absolute_paths(listed(request.images)), past.at("images"));
  request.prompt = past.at("prompt").get<std::string>();
  request.base = past.at("base").get<std::string>();
  request.images.clear();
  for (const auto& image : past.at("images")) request.images.emplace_back(image.get<std::string>());
  if (request.output.empty()) request.output = past.at("output").get<std::string>();

  nlohmann::json settings = past.at("settings");
  for (const auto& [name, value] : request.settings.items()) {
    const TrainSetting* setting =
        find_train_setting(name);  // unknown ones are refused when settings are resolved
    if (setting && setting->role == SettingRole::kCourse)
      require_same(setting->flag(), value, settings.at(name));
    settings[name] = value;
  }
  request.settings = settings;
  if (settings.at("iterations") < checkpoint.iteration)
    throw Error(ErrorKind::kIncompatible, where,
                fmt::format("{} iterations are done already, more than --iterations {}", checkpoint.iteration,
                            settings.at("iterations").dump()),
                "resume from an earlier checkpoint of the run folder");
}

}  // namespace ziplora
