#pragma once
/// Asks `ziplora inspect` about files, several in one process, on a thread of its own; the answers go into the database
/// and to the pages.
///
///     Inspector inspector(database, events, program);
///     inspector.queue(adapter_id);
///     inspector.wait_for(adapter_id, std::chrono::seconds(60));

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "studio/database.h"
#include "studio/event_hub.h"
#include "studio/program.h"

namespace ziplora::studio {

class Inspector {
 public:
  /// Goes on with what a server before this one left in the state "inspecting".
  Inspector(Database& database, EventHub& events, const Program& program);
  /// Waits for the process that runs.
  ~Inspector();
  Inspector(const Inspector&) = delete;
  Inspector& operator=(const Inspector&) = delete;

  void queue(int64_t adapter);
  /// @return false if it is not done by then
  bool wait_for(int64_t adapter, std::chrono::seconds patience);

 private:
  void work(const std::stop_token& stop);
  std::vector<nlohmann::json> next_batch(const std::stop_token& stop);
  void inspect(const std::vector<nlohmann::json>& adapters);
  void record(const nlohmann::json& adapter, const nlohmann::json& found);
  bool is_inspecting(int64_t adapter);

  Database& database_;
  EventHub& events_;
  const Program& program_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<int64_t> queued_;
  std::jthread thread_;
};

}  // namespace ziplora::studio
