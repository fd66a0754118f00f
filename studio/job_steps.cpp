#include "studio/job_steps.h"

#include <fmt/format.h>

#include <algorithm>

#include "studio/evaluate_steps.h"
#include "studio/file_name.h"
#include "studio/grid_steps.h"
#include "studio/sheet_steps.h"
#include "studio/single_step.h"
#include "ziplora/base/atomic_file.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// "dog" of "/data/dog.safetensors:0.8".
std::string stem_of(const std::string& choice) {
  return fs::path(choice.substr(0, choice.rfind(':'))).stem().string();
}

/// "dog-in-ink-zip": two ways of merging the same files differ in the name, too, by which votes rank them. A style that was
/// trained on "in szn style" has the "in" already.
std::string merged_name(const json& config) {
  std::string style = stem_of(config.at("style"));
  if (style.starts_with("in ")) style.erase(0, 3);
  const std::string name = stem_of(config.at("subject")) + "-in-" + style;
  return config.contains("method") ? name + "-" + config.at("method").get<std::string>() : name;
}

std::string default_output(const std::string& verb, const json& config) {
  if (verb == "generate") return "image";
  if (verb == "train") return config.value("prompt", "lora");
  if (!config.contains("subject") || !config.contains("style")) return "merged";
  return merged_name(config);
}

}  // namespace

std::string contender_of(const json& config) {
  std::string text;
  const auto add = [&text](const json& value) {
    const std::string choice = value.get<std::string>(), strength = choice.substr(choice.rfind(':') + 1);
    text += (text.empty() ? "" : " + ") + stem_of(choice);
    if (strength != "1") text += " × " + strength;
  };
  for (const char* role : {"subject", "style"})
    if (config.contains(role)) add(config.at(role));
  const json adapters = config.value("adapter", json::array());
  for (const json& adapter : adapters.is_array() ? adapters : json::array({adapters})) add(adapter);
  if (text.empty()) return "base";
  if (config.contains("strategy") && config.at("strategy") != "merged")
    text += ", " + config.at("strategy").get<std::string>();
  return text;
}

JobStep single_step(const JobThings& things, const Program& program, const std::string& verb, json options,
                    const fs::path& folder) {
  JobStep step{.verb = verb, .options = resolve_options(things, program.verb(verb), options, folder)};
  if (!step.options.config.contains("output")) {
    options["output"] = default_output(verb, step.options.config);
    step.options = resolve_options(things, program.verb(verb), options, folder);
  }
  if (verb == "train") step.options.config["run_folder"] = (folder / "run").string();
  if (verb == "generate") step.contender = contender_of(step.options.config);
  return step;
}

std::vector<JobStep> steps_of(const JobThings& things, const Program& program, const JobPlan& job) {
  if (job.verb == "grid") return grid_steps(things, program, job);
  if (job.verb == "evaluate") return evaluate_steps(things, program, job);
  if (job.verb == "sheet") return sheet_steps(things, program, job);
  return {single_step(things, program, job.verb, job.request.at("options"), job.folder)};
}

const JobStep& main_step(const std::vector<JobStep>& steps) {
  return *std::ranges::find_if(steps, &JobStep::is_result);
}

void provide_images(Gallery& gallery, const JobOptions& options, const json& captions) {
  for (const auto& [folder, images] : options.image_folders) {
    fs::create_directories(folder);
    for (size_t i = 0; i < images.size(); ++i) {
      const fs::path image = gallery.file(images[i]);
      const std::string name = fmt::format("{:04}", i + 1);
      const fs::path copy = folder / (name + extension_of(image));
      std::error_code failed;
      if (!fs::exists(copy)) fs::create_hard_link(image, copy, failed);
      if (failed) fs::copy_file(image, copy, fs::copy_options::overwrite_existing);
      const std::string id = std::to_string(images[i]);
      if (captions.is_object() && captions.contains(id) && captions.at(id).is_string())
        write_text_file(folder / (name + ".txt"), captions.at(id).get<std::string>());
    }
  }
}

bool prepare_to_resume(JobStep& step, const fs::path& folder) {
  std::error_code ignored;
  if (step.verb == "merge") {
    const fs::path output = step.options.config.at("output").get<std::string>();
    const fs::path state = output.parent_path() / (output.stem().string() + ".merge-state.safetensors");
    step.resume = fs::exists(state, ignored);
    if (step.resume) step.options.config["resume"] = true;
  } else if (step.verb == "evaluate") {  // what lies in its folder is not made again
    step.resume = fs::exists(step.options.config.at("output").get<std::string>(), ignored);
  } else if (step.verb == "train") {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder / "run", ignored))
      step.resume = step.resume || entry.path().filename().string().starts_with("checkpoint-");
    if (step.resume) step.options.config["resume"] = (folder / "run").string();
  }
  return step.resume;
}

}  // namespace ziplora::studio
