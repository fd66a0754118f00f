#include "studio/jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "studio/clock.h"
#include "studio/grid_steps.h"
#include "studio/refusal.h"
#include "studio/single_step.h"
#include "ziplora/io/json_file.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kVerbs[] = {"merge", "generate", "train", "grid", "evaluate"};

std::string verb_of(const json& request) {
  const json verb = request.is_object() ? request.value("verb", json()) : json();
  if (verb.is_string() && std::ranges::find(kVerbs, verb.get<std::string>()) != std::end(kVerbs)) return verb;
  throw Refusal(400, "usage", "job", "the verb is not one that makes jobs",
                "send merge, generate, train, evaluate or grid");
}

bool has_ended(const json& row) {
  const std::string state = row.at("state");
  return state != "queued" && state != "running";
}

/// "3 subjects".
std::string names_of(const json& request, const std::string& role) {
  const size_t count = request.at("manifest").at(role).size();
  return fmt::format("{} {}", count, count == 1 ? role.substr(0, role.size() - 1) : role);
}

std::string title_of(const json& request, const std::string& verb, const json& config) {
  if (request.contains("title") && request.at("title").is_string()) return request.at("title");
  if (verb == "generate" || verb == "grid") {
    const json prompt = config.value("prompt", json());
    if (prompt.is_string()) return prompt;
    if (prompt.is_array() && !prompt.empty() && prompt.front().is_string()) return prompt.front();
  }
  if (verb == "evaluate")
    return fmt::format("{} × {}", names_of(request, "subjects"), names_of(request, "styles"));
  return fs::path(config.value("output", verb)).stem().string();
}

json state_event(int64_t job, const std::string& state) {
  return {{"job", job}, {"event", {{"event", "state"}, {"state", state}}}};
}

}  // namespace

Jobs::Jobs(Database& database, EventHub& events, const Program& program, JobThings things, fs::path folder)
    : database_(database),
      events_(events),
      program_(program),
      things_(std::move(things)),
      folder_(folder),
      runner_(database, events, program, things_, std::move(folder)) {}

json Jobs::row(int64_t id) {
  if (auto found = database_.row("SELECT * FROM jobs WHERE id = ?", {id})) return std::move(*found);
  throw no_such("job", std::to_string(id));
}

json Jobs::shown(const json& row) {
  const int64_t id = row.at("id");
  json job = json::object();
  for (const char* name : {"id", "verb", "title", "state", "created", "started", "finished", "command"})
    job[name] = row.at(name);
  const json request = json_column(row, "request"), result = json_column(row, "result");
  job["options"] = request.value("options", json::object());
  job["adapters"] = result.is_null() ? json::array() : result.at("adapters");
  job["images"] = json::array();  // also those of a job that still runs
  for (const json& image :
       database_.rows("SELECT id FROM images WHERE job = ? AND origin = 'made' ORDER BY id", {id}))
    job["images"].push_back(image.at("id"));
  job["result"] = result.is_null() ? json() : result.at("result");
  job["error"] = json_column(row, "error");
  job["progress"] = row.at("state") == "running" ? runner_.progress(id) : json();
  job["of"] = request.value("of", json());
  job["grid"] = row.at("verb") == "grid" ? json(id) : json();
  std::error_code unreadable;
  job["report"] = fs::is_regular_file(report_of(id), unreadable)
                      ? json(things_.tickets.address(fmt::format("/api/v1/jobs/{}/report", id)))
                      : json();
  job["resumable"] = false;
  job["position"] = nullptr;
  if (row.at("state") == "queued")
    job["position"] =
        database_
            .row(
                "SELECT count(*) AS n FROM jobs WHERE state = 'queued' AND (place < ? OR (place = ? AND id < ?))",
                {row.at("place"), row.at("place"), id})
            ->at("n");
  if (has_ended(row) && row.at("state") != "done") {
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(id) / "run", ignored))
      if (entry.path().filename().string().starts_with("checkpoint-")) job["resumable"] = true;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(id) / "out", ignored))
      if (entry.path().string().ends_with(".merge-state.safetensors")) job["resumable"] = true;
  }
  return job;
}

json Jobs::submit(const json& request) {
  const std::string verb = verb_of(request);
  if (!request.contains("options"))
    throw Refusal(400, "usage", "job", "there are no options", "send {\"options\": {…}}");
  // Checked before it is queued; the files are resolved again when it runs.
  const std::vector<JobStep> steps = steps_of(things_, program_, {verb, request, folder_ / "new"});
  const json& config = main_step(steps).options.config;
  const std::string title = title_of(request, verb, config);
  int64_t id = 0;
  database_.transaction([&] {
    const json last =
        database_.row("SELECT max(place) AS place FROM jobs WHERE state = 'queued'", {})->at("place");
    id = database_.run(
        "INSERT INTO jobs(verb, title, state, place, request, created) VALUES (?, ?, 'queued', ?, ?, ?)",
        {verb, title, last.is_null() ? json(0) : json(last.get<double>() + 1), request, utc_now()});
    // Now that its folder has a name.
    const std::vector<JobStep> named = steps_of(things_, program_, {verb, request, folder_of(id)});
    database_.run("UPDATE jobs SET command = ? WHERE id = ?",
                  {command_text(program_.verb(main_step(named).verb), main_step(named).options.config), id});
  });
  events_.publish(state_event(id, "queued"));
  runner_.wake();
  return job(id);
}

json Jobs::list(int64_t limit) {
  json all = json::array();
  for (const json& row : database_.rows("SELECT * FROM jobs ORDER BY id DESC LIMIT ?", {limit}))
    all.push_back(shown(row));
  return all;
}

json Jobs::job(int64_t id) { return shown(row(id)); }

json Jobs::cancel(int64_t id) {
  bool was_queued = false;
  database_.transaction([&] {
    const json found = row(id);
    if (has_ended(found))
      throw Refusal(409, "conflict", fmt::format("job {}", id), "it has ended already",
                    "start it again, or delete it");
    was_queued = found.at("state") == "queued";
    if (was_queued)
      database_.run("UPDATE jobs SET state = 'cancelled', finished = ? WHERE id = ?", {utc_now(), id});
  });
  if (was_queued) events_.publish(state_event(id, "cancelled"));
  runner_.cancel(id);  // also one that began in between
  return job(id);
}

void Jobs::require_ended(const json& row) const {
  if (!has_ended(row))
    throw Refusal(409, "conflict", fmt::format("job {}", row.at("id").get<int64_t>()), "it has not ended",
                  "cancel it first");
}

json Jobs::restart(int64_t id) {
  database_.transaction([&] {
    const json found = row(id);
    require_ended(found);
    if (found.at("state") == "done")
      throw Refusal(409, "conflict", fmt::format("job {}", id), "it is done",
                    "send a new job to run it again");
    database_.run(
        "UPDATE jobs SET state = 'queued', resume = 1, error = NULL, finished = NULL, "
        "place = (SELECT coalesce(max(place), 0) + 1 FROM jobs WHERE state = 'queued') WHERE id = ?",
        {id});
  });
  events_.publish(state_event(id, "queued"));
  runner_.wake();
  return job(id);
}

json Jobs::move(int64_t id, int64_t position) {
  database_.transaction([&] {
    if (row(id).at("state") != "queued")
      throw Refusal(409, "conflict", fmt::format("job {}", id), "it is not queued",
                    "only queued jobs have a place");
    std::vector<int64_t> order;
    for (const json& queued :
         database_.rows("SELECT id FROM jobs WHERE state = 'queued' ORDER BY place, id", {}))
      if (queued.at("id") != id) order.push_back(queued.at("id"));
    const auto at = std::clamp<int64_t>(position, 0, static_cast<int64_t>(order.size()));
    order.insert(order.begin() + at, id);
    for (size_t place = 0; place < order.size(); ++place)
      database_.run("UPDATE jobs SET place = ? WHERE id = ?", {place, order[place]});
  });
  events_.publish(state_event(id, "queued"));
  return job(id);
}

void Jobs::remove(int64_t id) {
  require_ended(row(id));
  database_.run("DELETE FROM jobs WHERE id = ?", {id});
  std::error_code ignored;  // `out` stays: the library and the gallery have what is in it
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(id), ignored))
    if (entry.path().filename() != "out" && !entry.path().filename().string().starts_with("cell-"))
      fs::remove_all(entry.path(), ignored);
  events_.publish(state_event(id, "removed"));
}

fs::path Jobs::report(int64_t id) {
  row(id);
  std::error_code ignored;
  if (fs::is_regular_file(report_of(id), ignored)) return report_of(id);
  throw no_such("report of job", std::to_string(id));
}

json Jobs::events(int64_t id) {
  row(id);
  json all = json::array();
  std::ifstream file(folder_of(id) / "events.jsonl");
  for (std::string line; std::getline(file, line);)
    if (auto event = parse_json(line)) all.push_back(std::move(*event));
  return all;
}

std::string Jobs::log(int64_t id) {
  std::string text;
  const json found = row(id);
  if (const std::string command = found.at("command"); !command.empty()) text = "$ " + command + "\n";
  for (const json& event : events(id)) {
    const std::string kind = event.value("event", "");
    if (kind == "note" || kind == "warning")
      text += (kind == "note" ? "" : "warning: ") + event.value("text", "") + "\n";
    if (kind == "stage_finished")
      text += fmt::format("{}: {:.1f} s\n", event.value("stage", ""), event.value("seconds", 0.0));
    if (kind == "error")
      text += fmt::format("error: {}: {}\nhint: {}\n", event.value("where", ""), event.value("problem", ""),
                          event.value("hint", ""));
  }
  return text;
}

}  // namespace ziplora::studio
