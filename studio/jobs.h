#pragma once
/// The queue. One job runs at a time; all of them survive the server. What a killed server or a switched-off machine left
/// running goes on if the program can resume it, and else is marked interrupted.
///
///     Jobs jobs(database, events, program, library, gallery, options);
///     const nlohmann::json job = jobs.submit({{"verb", "merge"}, {"options", …}});
///
/// Of each job the folder `jobs/<id>` holds config.json, events.jsonl, the reports and, in `out`, what it made.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "studio/database.h"
#include "studio/event_hub.h"
#include "studio/job_runner.h"
#include "studio/job_steps.h"

namespace ziplora::studio {

class Jobs {
 public:
  Jobs(Database& database, EventHub& events, const Program& program, JobThings things,
       std::filesystem::path folder);

  /// @throws Refusal(400, 404, 410) as steps_of
  nlohmann::json submit(const nlohmann::json& request);
  /// What it would do.
  nlohmann::json plan(const nlohmann::json& request);
  nlohmann::json list(int64_t limit);
  /// @throws Refusal(404); so do all that take an id
  nlohmann::json job(int64_t id);
  /// @throws Refusal(409) if it has ended
  nlohmann::json cancel(int64_t id);
  /// @throws Refusal(409) if it has not ended
  nlohmann::json restart(int64_t id);
  /// @throws Refusal(409) if it is not queued
  nlohmann::json move(int64_t id, int64_t position);
  /// @throws Refusal(409) if it has not ended
  void remove(int64_t id);
  std::string log(int64_t id);
  /// The page of charts that an evaluation wrote.
  /// @throws Refusal(404) if there is none
  std::filesystem::path report(int64_t id);
  nlohmann::json events(int64_t id);
  /// Stops the job that runs; it goes on with the next server.
  void stop() { runner_.stop(); }

 private:
  nlohmann::json row(int64_t id);
  nlohmann::json shown(const nlohmann::json& row);
  std::filesystem::path folder_of(int64_t id) const { return folder_ / std::to_string(id); }
  std::filesystem::path report_of(int64_t id) const { return folder_of(id) / "out/evaluation/report.html"; }
  void require_ended(const nlohmann::json& row) const;
  Database& database_;
  EventHub& events_;
  const Program& program_;
  JobThings things_;
  std::filesystem::path folder_;
  JobRunner runner_;
};

}  // namespace ziplora::studio
