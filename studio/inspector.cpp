#include "studio/inspector.h"

#include "ziplora/io/json_file.h"

namespace ziplora::studio {
namespace {

constexpr size_t kFilesAtOnce = 16;
constexpr int kSecondsToInspect = 600;

/// The four words of an error, as the API has them.
nlohmann::json without_exit_code(nlohmann::json error) {
  error.erase("exit_code");
  error.emplace("kind", "input");
  return error;
}

/// A member of `files` for each file. A process that died says of every file why.
nlohmann::json files_of(const Answer& answer, size_t count) {
  if (const auto json = parse_json(answer.out); json && json->is_object() && json->contains("files"))
    if (const nlohmann::json& files = json->at("files"); files.size() == count) return files;
  return nlohmann::json::array_t(
      count, {{"error", answer.error.is_null() ? error_of_end(answer.exit_code) : answer.error}});
}

}  // namespace

Inspector::Inspector(Database& database, EventHub& events, const Program& program)
    : database_(database), events_(events), program_(program) {
  for (const nlohmann::json& row : database_.rows("SELECT id FROM adapters WHERE state = 'inspecting'", {}))
    queued_.push_back(row.at("id"));
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

Inspector::~Inspector() {
  thread_.request_stop();
  changed_.notify_all();
}

void Inspector::queue(int64_t adapter) {
  const std::lock_guard lock(mutex_);
  queued_.push_back(adapter);
  changed_.notify_all();
}

bool Inspector::is_inspecting(int64_t adapter) {
  const auto row = database_.row("SELECT state FROM adapters WHERE id = ?", {adapter});
  return row && row->at("state") == "inspecting";
}

bool Inspector::wait_for(int64_t adapter, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (is_inspecting(adapter)) {
    std::unique_lock lock(mutex_);
    // A change between the question and the wait is seen a moment later.
    changed_.wait_for(lock, std::chrono::milliseconds(50));
    if (std::chrono::steady_clock::now() > end) return false;
  }
  return true;
}

std::vector<nlohmann::json> Inspector::next_batch(const std::stop_token& stop) {
  std::vector<int64_t> ids;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return !queued_.empty(); });
    for (; !queued_.empty() && ids.size() < kFilesAtOnce; queued_.pop_front()) ids.push_back(queued_.front());
  }
  // Without the lock: whoever holds the database may be waiting for it.
  std::vector<nlohmann::json> batch;
  for (const int64_t id : ids)
    if (auto row = database_.row("SELECT id, path FROM adapters WHERE id = ?", {id}))
      batch.push_back(std::move(*row));
  return batch;
}

void Inspector::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const std::vector<nlohmann::json> batch = next_batch(stop);
    if (batch.empty() || stop.stop_requested()) continue;
    try {
      inspect(batch);
    } catch (const std::exception& error) {  // a full disk: the cards stay as they are until the next start
      events_.publish({{"event", {{"event", "warning"}, {"text", error.what()}}}});
    }
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
}

void Inspector::inspect(const std::vector<nlohmann::json>& adapters) {
  std::vector<std::string> words{"inspect"};
  for (const nlohmann::json& adapter : adapters) words.push_back(adapter.at("path"));  // begins with '/'
  const Answer answer = program_.ask(words, "/", kSecondsToInspect);
  const nlohmann::json files = files_of(answer, adapters.size());
  const bool died = answer.exit_code < 0;
  for (size_t i = 0; i < adapters.size(); ++i) {
    // One of them ended the process: each on its own, so that the others keep their answers.
    if (died && adapters.size() > 1)
      inspect({adapters[i]});
    else
      record(adapters[i], files[i]);
  }
}

void Inspector::record(const nlohmann::json& adapter, const nlohmann::json& found) {
  const bool refused = found.contains("error");
  database_.run("UPDATE adapters SET state = ?, inspected = ?, error = ? WHERE id = ?",
                {refused ? "refused" : "ready", refused ? nlohmann::json() : found,
                 refused ? without_exit_code(found.at("error")) : nlohmann::json(), adapter.at("id")});
  events_.publish({{"adapter", adapter.at("id")}, {"event", {{"event", "changed"}}}});
}

}  // namespace ziplora::studio
