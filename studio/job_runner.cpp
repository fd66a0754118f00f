#include "studio/job_runner.h"

#include <fmt/format.h>
#include <signal.h>

#include "studio/clock.h"
#include "studio/refusal.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/json_lines.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr auto kTermAfter = std::chrono::seconds(10), kKillAfter = std::chrono::seconds(20);
/// For images that a training draws on its way.
constexpr auto kBetweenLooks = std::chrono::seconds(1);
/// Loading reports each of thousands of tensors: steps that follow faster and say nothing else are left out.
constexpr auto kBetweenPlainSteps = std::chrono::milliseconds(100);

/// More than a batch has; a run may have thousands of images.
constexpr uint64_t kPreviewsKept = 16;

/// Not an option of the job: the image is the same, and the command that makes it, too.
void ask_for_previews(JobStep& step, const json& request) {
  const json every = request.value("previews", json());
  if (every.is_number_unsigned()) step.options.config["preview_every"] = every;
}

/// An evaluation's tables are in its report; in the list of jobs they would be a megabyte.
json summary_of(const JobStep& step, const json& result) {
  if (step.verb != "evaluate") return result;
  json summary = json::object();
  for (const char* name : {"command", "images", "merged", "drawn", "seconds", "judges", "prompts", "seeds"})
    if (result.contains(name)) summary[name] = result.at(name);
  return summary;
}

}  // namespace

JobRunner::JobRunner(Database& database, EventHub& events, const Program& program, const JobThings& things,
                     fs::path folder)
    : database_(database), events_(events), program_(program), things_(things), folder_(std::move(folder)) {
  fs::create_directories(folder_);
  recover();
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

JobRunner::~JobRunner() { stop(); }

void JobRunner::wake() {
  const std::lock_guard lock(mutex_);
  may_have_jobs_ = true;
  changed_.notify_all();
}

bool JobRunner::cancel(int64_t job) {
  const std::lock_guard lock(mutex_);
  if (running_ != job) return false;
  if (!cancelled_at_) cancelled_at_ = steady_clock::now();
  if (worker_) worker_->send(SIGINT);
  changed_.notify_all();
  return true;
}

json JobRunner::progress(int64_t job) const {
  const std::lock_guard lock(mutex_);
  return running_ == job ? progress_ : json();
}

void JobRunner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (running_ != 0 && !cancelled_at_) cancelled_at_ = steady_clock::now();
    if (worker_) worker_->send(SIGINT);
  }
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  watcher_.request_stop();
  if (watcher_.joinable()) watcher_.join();
}

/// Sends the harder signals to a worker that does not end.
void JobRunner::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    changed_.wait(lock, stop, [this] { return cancelled_at_ && worker_; });
    if (stop.stop_requested()) return;
    for (const auto& [after, number] : {std::pair(kTermAfter, SIGTERM), std::pair(kKillAfter, SIGKILL)}) {
      const auto due = *cancelled_at_ + after;
      changed_.wait_until(lock, stop, due, [this] { return !worker_; });
      if (!worker_ || stop.stop_requested()) break;
      worker_->send(number);
    }
    changed_.wait(lock, stop, [this] { return !worker_; });
  }
}

std::optional<json> JobRunner::next_job(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [this] { return !stopping_ && may_have_jobs_; });
  if (stop.stop_requested()) return std::nullopt;
  may_have_jobs_ = false;
  lock.unlock();  // whoever holds the database may be waiting for it
  auto found = database_.row("SELECT * FROM jobs WHERE state = 'queued' ORDER BY place, id LIMIT 1", {});
  if (!found) return std::nullopt;
  lock.lock();
  may_have_jobs_ = true;
  running_ = found->at("id");
  cancelled_at_.reset();
  progress_ = nullptr;
  return found;
}

void JobRunner::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      const auto job = next_job(stop);
      if (!job) continue;
      run(*job);
    } catch (const std::exception& error) {  // a full disk, for one: the job stays as it is
      events_.publish({{"event", {{"event", "warning"}, {"text", error.what()}}}});
      std::unique_lock lock(mutex_);
      may_have_jobs_ = true;
      changed_.wait_for(lock, stop, std::chrono::seconds(2), [] { return false; });
    }
    const std::lock_guard lock(mutex_);
    running_ = 0;
    progress_ = nullptr;
    changed_.notify_all();
  }
}

void JobRunner::set_state(int64_t job, const std::string& state) {
  events_.publish({{"job", job}, {"event", {{"event", "state"}, {"state", state}}}});
}

void JobRunner::run(const json& job) {
  const int64_t id = job.at("id");
  const fs::path folder = folder_ / std::to_string(id);
  database_.run("UPDATE jobs SET state = 'running', started = ?, finished = NULL, error = NULL WHERE id = ?",
                {utc_now(), id});
  set_state(id, "running");
  JobEnd end;
  try {
    end = run_steps(job, folder);
  } catch (const Refusal& refusal) {
    end = {"failed", nullptr, refusal.body()};
  } catch (const Error& error) {
    end = {"failed", nullptr, to_json(error)};
  } catch (const fs::filesystem_error& error) {
    end = {"failed", nullptr,
           Refusal(500, "failed", error.path1().string(), error.code().message(), "check the disk").body()};
  }
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    stopping = stopping_;
  }
  if (stopping && end.state == "cancelled") return;  // "running", as after a kill: recover() finds it so
  database_.run("UPDATE jobs SET state = ?, finished = ?, result = ?, error = ?, worker = NULL WHERE id = ?",
                {end.state, utc_now(), end.result, end.error, id});
  set_state(id, end.state);
  if (end.state == "done") follow_up(job, end.result);
}

JobEnd JobRunner::run_steps(const json& job, const fs::path& folder) {
  const int64_t id = job.at("id");
  const json request = json_column(job, "request");
  fs::create_directories(folder / "out");
  std::vector<JobStep> steps = steps_of(things_, program_, {job.at("verb"), request, folder});
  json results = {{"adapters", json::array()}, {"images", json::array()}, {"result", nullptr}};
  for (size_t i = 0; i < steps.size(); ++i) {
    const fs::path report = folder / fmt::format("result-{}.json", i);
    if (!fs::exists(report)) {
      fs::create_directories(fs::path(steps[i].options.config.at("output").get<std::string>()).parent_path());
      for (const auto& [file, content] : steps[i].files) write_json_file(file, content);
      provide_images(things_.gallery, steps[i].options, request.value("captions", json()));
      if (steps[i].verb == "generate") ask_for_previews(steps[i], request);
      if (job.at("resume") == 1) prepare_to_resume(steps[i], folder);
      if (auto end = run_step(id, steps[i], i, steps.size(), folder)) return std::move(*end);
    }
    const json result = read_json_file(report), made = register_results(id, steps[i], result);
    for (const char* kind : {"adapters", "images"})
      for (const json& one : made.at(kind)) results[kind].push_back(one);
    if (steps.size() == 1 || steps[i].verb == "evaluate") results["result"] = summary_of(steps[i], result);
  }
  return {"done", std::move(results), nullptr};
}

/// @return nothing if it went well
std::optional<JobEnd> JobRunner::run_step(int64_t job, JobStep& step, size_t index, size_t count,
                                          const fs::path& folder) {
  {
    const std::lock_guard lock(mutex_);
    step_index_ = index;
    step_count_ = count;
    if (cancelled_at_) return JobEnd{"cancelled", nullptr, nullptr};
  }
  json error;
  const fs::path report = folder / fmt::format("result-{}.json", index);
  const int code = run_worker(job, step, folder, report, error);
  if (code == 0 && fs::exists(report)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (cancelled_at_) return JobEnd{"cancelled", nullptr, error};
  return JobEnd{"failed", nullptr, error.is_null() ? error_of_end(code) : error};
}

int JobRunner::run_worker(int64_t job, const JobStep& step, const fs::path& folder, const fs::path& report,
                          json& error) {
  const fs::path config = folder / "config.json", log = folder / "events.jsonl";
  write_json_file(config, step.options.config);
  ChildProcess worker({program_.path().string(), step.verb, "--json", "--report", report.string(), "--config",
                       config.string()},
                      folder);
  {
    const std::lock_guard lock(mutex_);
    worker_ = &worker;
    if (cancelled_at_) worker.send(SIGINT);
    changed_.notify_all();
  }
  int code = 0;
  try {
    database_.run("UPDATE jobs SET worker = ? WHERE id = ?",
                  {fmt::format("{} {}", worker.process(), start_of(worker.process())), job});
    auto looked = steady_clock::now();
    worker.read([&](std::string_view line) {
      take_line(job, line, log, error);
      if (steady_clock::now() - looked < kBetweenLooks) return;
      looked = steady_clock::now();
      register_samples(job, step);
    });
    register_samples(job, step);
  } catch (...) {
    worker.send(SIGKILL);
  }
  code = worker.wait();
  const std::lock_guard lock(mutex_);
  worker_ = nullptr;
  changed_.notify_all();
  return code;
}

void JobRunner::take_line(int64_t job, std::string_view line, const fs::path& log, json& error) {
  json event = parse_json(line).value_or(nullptr);
  if (!event.is_object() || !event.contains("event")) event = {{"event", "note"}, {"text", line}};
  const std::string kind = event.value("event", "");
  if (kind == "error") {
    error = json::object();
    for (const char* word : {"kind", "where", "problem", "hint"}) error[word] = event.value(word, "");
  }
  if (kind == "step" && event.value("metrics", json::object()).empty() &&
      event.value("step", 0) != event.value("total", 0)) {
    const std::lock_guard lock(mutex_);
    if (steady_clock::now() - last_step_ < kBetweenPlainSteps) return;
    last_step_ = steady_clock::now();
  }
  take_progress(event);
  if (kind == "preview") {  // for who looks now: neither the log nor the database keeps it
    const std::string key = fmt::format("preview {}", event.value("row", uint64_t{0}) % kPreviewsKept);
    return events_.publish_latest(key, {{"job", job}, {"event", std::move(event)}});
  }
  append_json_line(log, event, "");
  events_.publish({{"job", job}, {"event", std::move(event)}});
}

void JobRunner::take_progress(const json& event) {
  const std::string kind = event.value("event", "");
  const std::lock_guard lock(mutex_);
  if (kind == "stage_started") {
    stage_started_ = steady_clock::now();
    first_step_ = -1;
    progress_ = {{"stage", event.value("stage", "")},
                 {"step", 0},
                 {"total", event.value("total", 0)},
                 {"metrics", json::object()},
                 {"eta_seconds", nullptr}};
  } else if (kind == "step") {
    const int64_t step = event.value("step", int64_t{0}), total = event.value("total", int64_t{0});
    if (first_step_ < 0) first_step_ = step - 1;  // a resumed run begins further on
    const double seconds = std::chrono::duration<double>(steady_clock::now() - stage_started_).count();
    const auto done = static_cast<double>(std::max<int64_t>(1, step - first_step_));
    progress_ = {
        {"stage", event.value("stage", "")},
        {"step", step},
        {"total", total},
        {"metrics", event.value("metrics", json::object())},
        {"eta_seconds", total > 0 ? json(seconds / done * static_cast<double>(total - step)) : json()}};
  }
  if (progress_.is_object()) {
    progress_["part"] = step_index_ + 1;
    progress_["parts"] = step_count_;
  }
}

}  // namespace ziplora::studio
