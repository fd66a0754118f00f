#pragma once
/// The thread that runs the queue's jobs, one after the other, each in worker processes.

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "studio/child_process.h"
#include "studio/database.h"
#include "studio/event_hub.h"
#include "studio/job_steps.h"

namespace ziplora::studio {

/// What a run that has ended came to.
struct JobEnd {
  std::string state;  ///< done, failed, cancelled or interrupted
  nlohmann::json result, error;
};

class JobRunner {
 public:
  JobRunner(Database& database, EventHub& events, const Program& program, const JobThings& things,
            std::filesystem::path folder);
  ~JobRunner();
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

  /// There may be something to do.
  void wake();
  /// SIGINT to the job's worker if it runs, SIGTERM after 10 s, SIGKILL after 20 s. @return false if it does not run
  bool cancel(int64_t job);
  /// Of the job that runs; null for another.
  nlohmann::json progress(int64_t job) const;
  /// Ends the job that runs as if the machine were switched off, and runs no more.
  void stop();

 private:
  void recover();
  void work(const std::stop_token& stop);
  void watch(const std::stop_token& stop);
  std::optional<nlohmann::json> next_job(const std::stop_token& stop);
  void run(const nlohmann::json& job);
  JobEnd run_steps(const nlohmann::json& job, const std::filesystem::path& folder);
  std::optional<JobEnd> run_step(int64_t job, JobStep& step, size_t index, size_t count,
                                 const std::filesystem::path& folder);
  int run_worker(int64_t job, const JobStep& step, const std::filesystem::path& folder,
                 const std::filesystem::path& report, nlohmann::json& error);
  void take_line(int64_t job, std::string_view line, const std::filesystem::path& log, nlohmann::json& error);
  void take_progress(const nlohmann::json& event);
  nlohmann::json register_results(int64_t job, const JobStep& step, const nlohmann::json& result);
  /// What a training has drawn so far.
  void register_samples(int64_t job, const JobStep& step);
  void follow_up(const nlohmann::json& job, const nlohmann::json& result);
  void set_state(int64_t job, const std::string& state);

  Database& database_;
  EventHub& events_;
  const Program& program_;
  const JobThings& things_;
  std::filesystem::path folder_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  ChildProcess* worker_ = nullptr;
  int64_t running_ = 0;
  std::optional<std::chrono::steady_clock::time_point> cancelled_at_;
  bool stopping_ = false, may_have_jobs_ = true;
  nlohmann::json progress_;
  std::chrono::steady_clock::time_point stage_started_, last_step_;
  int64_t first_step_ = 0;
  size_t step_index_ = 0, step_count_ = 1;
  std::jthread thread_, watcher_;
};

}  // namespace ziplora::studio
