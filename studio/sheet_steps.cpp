#include "studio/sheet_steps.h"

#include "studio/single_step.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

constexpr int kSeeds = 2;

}  // namespace

std::vector<JobStep> sheet_steps(const JobThings& things, const Program& program, const JobPlan& job) {
  const nlohmann::json& request = job.request;
  nlohmann::json inputs = {{"method", "direct"}, {"output", "direct"}};
  for (const char* name : {"subject", "style", "adapter", "ignore_unused"})
    if (request.at("options").contains(name)) inputs[name] = request.at("options").at(name);
  JobStep direct = single_step(things, program, "merge", inputs, job.folder);
  direct.is_result = false;

  nlohmann::json drawing = {{"prompt", request.at("prompts")}, {"images", kSeeds}};
  if (request.at("options").contains("base")) drawing["base"] = request.at("options").at("base");
  if (request.contains("seed")) drawing["seed"] = request.at("seed");
  const fs::path merged = things.library.file(request.at("merged").get<int64_t>());
  const std::string direct_file = direct.options.config.at("output");
  std::vector<JobStep> steps;
  steps.push_back(std::move(direct));
  for (const auto& [label, file] :
       {std::pair<std::string, std::string>("direct merge", direct_file),
        std::pair<std::string, std::string>(merged.stem().string(), merged.string())}) {
    drawing["output"] = label;
    steps.push_back(single_step(things, program, "generate", drawing, job.folder));
    steps.back().options.config["adapter"] = {file + ":1"};
    steps.back().contender = label;
  }
  return steps;
}

}  // namespace ziplora::studio
