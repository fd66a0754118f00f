#pragma once
/// The events of all jobs, for every page that listens. The last thousands are kept, so that a page that was away for a
/// moment misses none.
///
///     hub.publish({{"job", 7}, {"event", event}});
///     for (const EventHub::Entry& entry : hub.wait_after(last, std::chrono::seconds(5))) …

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ziplora::studio {

class EventHub {
 public:
  struct Entry {
    uint64_t id;
    std::string data;  ///< one line of JSON
    std::string key;   ///< of publish_latest(), else empty
  };

  /// Ids go on from those of the server that ran before: they begin with the time.
  EventHub();
  void publish(const nlohmann::json& event);
  /// As publish(), in place of what was last told under the same key: images of a moment, which are large and soon old.
  void publish_latest(const std::string& key, const nlohmann::json& event);
  uint64_t last() const;
  /// @return what came after `id`, at once or as soon as there is something; nothing after `patience` or once closed
  std::vector<Entry> wait_after(uint64_t id, std::chrono::milliseconds patience) const;
  /// Nobody waits any more.
  void close();
  bool is_closed() const;

 private:
  void keep(Entry entry);
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Entry> entries_;
  uint64_t last_;
  bool closed_ = false;
};

}  // namespace ziplora::studio
