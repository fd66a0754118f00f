// What a job would do, asked of the program before anything runs.
#include <fmt/format.h>

#include "studio/jobs.h"
#include "studio/random_text.h"
#include "studio/refusal.h"
#include "studio/single_step.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/json_file.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr int kSecondsToPlan = 120;

/// Flags that the verb itself offers for a look ahead.
bool has_flag(const nlohmann::ordered_json& verb, const std::string& name) {
  for (const nlohmann::ordered_json& flag : verb.at("flags"))
    if (flag.at("name") == name) return true;
  return false;
}

}  // namespace

json Jobs::plan(const json& request) {
  json plan = {{"command", ""},          {"config", nullptr},         {"plan", nullptr},
               {"notes", json::array()}, {"warnings", json::array()}, {"refusal", nullptr}};
  try {
    const TemporaryFolder folder;
    const std::vector<JobStep> steps =
        steps_of(things_, program_, {request.value("verb", ""), request, folder.path()});
    const JobStep& step = main_step(steps);
    const nlohmann::ordered_json& verb = program_.verb(step.verb);
    plan["command"] = command_text(verb, step.options.config);
    plan["runs"] = steps.size();
    provide_images(things_.gallery, step.options, request.value("captions", json()));
    fs::create_directories(fs::path(step.options.config.at("output").get<std::string>()).parent_path());
    const std::string config = (folder.path() / "config.json").string();
    write_json_file(config, step.options.config);
    const bool looks_ahead = has_flag(verb, "plan");
    const Answer answer =
        program_.ask({step.verb, "--config", config, looks_ahead ? "--plan" : "--print-config"},
                     folder.path(), kSecondsToPlan);
    plan["notes"] = answer.notes;
    plan["warnings"] = answer.warnings;
    if (answer.exit_code != 0)
      throw Refusal(422, answer.error.value("kind", ""), answer.error.value("where", ""),
                    answer.error.value("problem", ""), answer.error.value("hint", ""));
    json& said = plan[looks_ahead ? "plan" : "config"] = parse_json(answer.out).value_or(nullptr);
    if (looks_ahead && said.is_object())
      said["joint_prompt"] = said.at("joint_prompts").empty() ? json() : said.at("joint_prompts").front();
  } catch (const Refusal& refusal) {
    plan["refusal"] = refusal.body();
  }
  return plan;
}

}  // namespace ziplora::studio
