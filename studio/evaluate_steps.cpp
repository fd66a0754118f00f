#include "studio/evaluate_steps.h"

#include <fmt/format.h>

#include <set>

#include "studio/refusal.h"
#include "studio/single_step.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// Of each LoRA alone, where no images are given.
constexpr int kReferences = 4;

Refusal refused_manifest(const std::string& place, const std::string& problem) {
  return Refusal(
      400, "usage", "manifest: " + place, problem,
      R"(for example {"subjects": [{"adapter": 1}], "styles": [{"adapter": 2}], "seeds": [0, 1]})");
}

class ManifestWriter {
 public:
  ManifestWriter(const JobThings& things, const Program& program, const JobPlan& job)
      : things_(things),
        program_(program),
        job_(job),
        options_(job.request.value("options", json::object())) {}

  std::vector<JobStep> steps() {
    const json given = job_.request.value("manifest", json());
    if (!given.is_object()) throw refused_manifest("all of it", "there is none");
    json manifest = {{"prompts", given.value("prompts", json::array({"{subject}, {style}"}))},
                     {"seeds", given.value("seeds", json::array({0, 1}))}};
    if (given.contains("methods")) manifest["methods"] = given.at("methods");
    for (const char* role : {"subjects", "styles"})
      manifest[role] = concepts(given.value(role, json()), role);

    JobStep step{.verb = "evaluate", .options = options_of_evaluate()};
    const fs::path file = job_.folder / "pairs.json";
    step.options.config["manifest"] = file.string();
    step.options.config["output"] = (job_.folder / "out" / "evaluation").string();
    step.options.image_folders = std::move(image_folders_);
    step.files[file] = std::move(manifest);
    steps_.push_back(std::move(step));
    return std::move(steps_);
  }

 private:
  JobOptions options_of_evaluate() const {
    json options = options_;
    const json judge = options.value("judge", json());
    options.erase("judge");
    options.erase("output");
    JobOptions resolved = resolve_options(things_, program_.verb("evaluate"), options, job_.folder);
    // Folders of judges are not the page's to name; those of the miniature see nothing on another base.
    if (!judge.is_null() && judge != "pixels")
      throw refused_manifest("judge", "only pixels can be chosen here");
    if (!judge.is_null() || resolved.config.contains("base")) resolved.config["judge"] = {"pixels"};
    return resolved;
  }

  json concepts(const json& given, const std::string& role) {
    if (!given.is_array() || given.empty())
      throw refused_manifest(role, "a list of at least one entry is expected");
    json all = json::array();
    std::set<std::string> names;
    for (size_t i = 0; i < given.size(); ++i) {
      json entry = concept_of(given[i], fmt::format("{}-{}", role, i));
      if (!names.insert(entry.at("name")).second)
        entry["name"] = fmt::format("{} ({})", entry.at("name").get<std::string>(), i + 1);
      all.push_back(std::move(entry));
    }
    return all;
  }

  json concept_of(const json& given, const std::string& place) {
    const json adapter = given.is_object() ? given.value("adapter", json()) : json();
    if (!adapter.is_number_integer())
      throw refused_manifest(place, "there is no \"adapter\": the id of a file");
    const json card = things_.library.card(adapter);
    json entry = {{"name", given.value("name", card.at("name"))},
                  {"lora", things_.library.file(adapter).string()},
                  {"images", (job_.folder / ("images-" + place)).string()}};
    for (const char* key : {"prompt", "words", "own_prompts"})
      if (given.contains(key)) entry[key] = given.at(key);
    if (!entry.contains("prompt")) entry["prompt"] = trigger_words(card, place);
    if (given.contains("images"))
      take_images(given.at("images"), entry.at("images").get<std::string>(), place);
    else
      draw_alone(adapter, entry);
    return entry;
  }

  static json trigger_words(const json& card, const std::string& place) {
    const json& summary = card.at("summary");
    if (summary.is_object() && !summary.at("trigger_words").empty())
      return summary.at("trigger_words").front();
    throw refused_manifest(place, "the file names no trigger words: give it a \"prompt\"");
  }

  void take_images(const json& ids, const std::string& folder, const std::string& place) {
    if (!ids.is_array() || ids.empty()) throw refused_manifest(place, "\"images\" is no list of ids");
    for (const json& id : ids) {
      if (!id.is_number_integer()) throw refused_manifest(place, "\"images\" is no list of ids");
      things_.gallery.file(id);  // is there
      image_folders_[folder].push_back(id);
    }
  }

  void draw_alone(const json& adapter, const json& entry) {
    json options = {{"prompt", json::array({entry.at("prompt")})},
                    {"adapter", json::array({{{"adapter", adapter}}})},
                    {"images", kReferences}};
    for (const char* name :
         {"base", "dtype", "device", "steps", "guidance_scale", "scheduler", "width", "height"})
      if (options_.contains(name)) options[name] = options_.at(name);
    JobStep step = single_step(things_, program_, "generate", options, job_.folder);
    step.options.config["output"] = entry.at("images").get<std::string>() + "/alone.png";
    step.is_result = false;
    steps_.push_back(std::move(step));
  }

  const JobThings& things_;
  const Program& program_;
  const JobPlan& job_;
  json options_;
  std::map<fs::path, std::vector<int64_t>> image_folders_;
  std::vector<JobStep> steps_;
};

}  // namespace

std::vector<JobStep> evaluate_steps(const JobThings& things, const Program& program, const JobPlan& job) {
  return ManifestWriter(things, program, job).steps();
}

}  // namespace ziplora::studio
