// What a job leaves in the studio when it ends, and what a server finds that was killed in the middle of one.
#include <signal.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "studio/clock.h"
#include "studio/file_name.h"
#include "studio/job_runner.h"
#include "ziplora/base/parse_number.h"
#include "ziplora/io/json_file.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr size_t kMostPrompts = 2;
constexpr int kSecondsToAsk = 120;

/// The prompts under which the merged file is to be looked at: that of subject and style together, then their own.
json prompts_of(const json& plan) {
  json prompts = json::array();
  const auto add = [&prompts](const json& more) {
    for (const json& prompt : more)
      if (prompts.size() < kMostPrompts && std::find(prompts.begin(), prompts.end(), prompt) == prompts.end())
        prompts.push_back(prompt);
  };
  add(plan.value("joint_prompts", json::array()));
  for (const json& input : plan.value("inputs", json::array())) add(input.value("prompts", json::array()));
  return prompts;
}

/// Waits until a worker that outlived its server has ended; it was told to when that died.
void await_end(const std::string& worker) {
  const size_t space = worker.find(' ');
  const auto process = parse_number<pid_t>(worker.substr(0, space));
  if (!process || space == std::string::npos) return;
  const std::string started = worker.substr(space + 1);
  for (int tenth = 0; is_still_there(*process, started); ++tenth) {
    if (tenth == 100) ::kill(-*process, SIGKILL);
    ::usleep(100'000);
  }
}

}  // namespace

json JobRunner::register_results(int64_t job, const JobStep& step, const json& result) {
  json made = {{"adapters", json::array()}, {"images", json::array()}};
  if (!step.is_result) return made;
  const std::string output = step.options.config.at("output");
  if (step.verb == "evaluate") {  // its images are for votes: the gallery would not be one any more
    things_.evaluations.add(output, job);
    return made;
  }
  if (step.verb != "generate") {
    const auto known = things_.library.find(output);
    made["adapters"].push_back(known ? *known : things_.library.add(output, "made", job));
    return made;
  }
  const json images =
      result.value("columns", json()).is_array() ? json::array() : result.value("images", json::array());
  if (images.empty()) made["images"].push_back(things_.gallery.add_made(job, {.file = output}));
  for (size_t i = 0; i < images.size(); ++i) {
    MadeImage image{.file = images[i].at("file").get<std::string>(),
                    .prompt = images[i].at("prompt"),
                    .seed = images[i].at("seed"),
                    .contender = step.contender};
    if (i < step.places.size()) image.place = step.places[i];
    made["images"].push_back(things_.gallery.add_made(job, image));
  }
  return made;
}

void JobRunner::register_samples(int64_t job, const JobStep& step) {
  if (step.verb != "train") return;
  const json& config = step.options.config;
  const std::string prompt = config.value("sample_prompt", config.value("prompt", ""));
  std::error_code ignored;
  std::set<fs::path> samples;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::path(config.value("run_folder", "")) / "samples", ignored))
    if (extension_of(entry.path()) == ".png") samples.insert(entry.path());
  for (const fs::path& sample : samples)
    if (!things_.gallery.has(sample)) things_.gallery.add_made(job, {.file = sample, .prompt = prompt});
}

/// After a merge that asked for it, a job that draws a sheet of the result.
void JobRunner::follow_up(const json& job, const json& result) {
  const json request = json_column(job, "request");
  if (job.at("verb") != "merge" || request.value("compare", json(false)) != true ||
      result.at("adapters").empty())
    return;
  const int64_t merged = result.at("adapters").at(0);
  const fs::path folder = folder_ / std::to_string(job.at("id").get<int64_t>());
  const Answer plan =
      program_.ask({"merge", "--config", (folder / "config.json").string(), "--plan"}, folder, kSecondsToAsk);
  const json prompts = prompts_of(parse_json(plan.out).value_or(json::object()));
  if (prompts.empty()) return;
  const json sheet = {
      {"of", job.at("id")}, {"merged", merged}, {"options", request.at("options")}, {"prompts", prompts}};
  const int64_t id = database_.run(
      "INSERT INTO jobs(verb, title, state, place, request, created) VALUES ('sheet', ?, 'queued', -1, ?, ?)",
      {"beside the direct merge: " + job.at("title").get<std::string>(), sheet, utc_now()});
  set_state(id, "queued");
}

/// What was running when the server before this one ended: it goes on if it can, and first of all.
void JobRunner::recover() {
  for (const json& job : database_.rows("SELECT * FROM jobs WHERE state = 'running'", {})) {
    if (job.at("worker").is_string()) await_end(job.at("worker"));
    const fs::path folder = folder_ / std::to_string(job.at("id").get<int64_t>());
    bool goes_on = false;
    try {
      std::vector<JobStep> steps =
          steps_of(things_, program_, {job.at("verb"), json_column(job, "request"), folder});
      goes_on = steps.size() > 1 || fs::exists(folder / "result-0.json") ||
                prepare_to_resume(steps.front(), folder);
    } catch (const std::
                 exception&) {  // an input that is gone: it stays interrupted, and says so when started again
    }
    const json error = {{"kind", "interrupted"},
                        {"where", "studio"},
                        {"problem", "the studio ended while the job was running"},
                        {"hint", "start it again"}};
    database_.run("UPDATE jobs SET state = ?, place = -1, resume = 1, worker = NULL, error = ? WHERE id = ?",
                  {goes_on ? "queued" : "interrupted", goes_on ? json() : error, job.at("id")});
  }
}

}  // namespace ziplora::studio
