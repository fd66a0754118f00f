#include "studio/event_hub.h"

#include "ziplora/io/json_file.h"

namespace ziplora::studio {
namespace {

constexpr size_t kKept = 4096;

}  // namespace

EventHub::EventHub()
    : last_(static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                      std::chrono::system_clock::now().time_since_epoch())
                                      .count()) *
            1000) {}  // below 2^53 for millennia, which a page's numbers hold exactly

void EventHub::publish(const nlohmann::json& event) { keep({0, json_line(event), ""}); }

void EventHub::publish_latest(const std::string& key, const nlohmann::json& event) {
  keep({0, json_line(event), key});
}

void EventHub::keep(Entry entry) {
  const std::lock_guard lock(mutex_);
  entry.id = ++last_;
  if (!entry.key.empty()) std::erase_if(entries_, [&](const Entry& old) { return old.key == entry.key; });
  entries_.push_back(std::move(entry));
  if (entries_.size() > kKept) entries_.pop_front();
  changed_.notify_all();
}

uint64_t EventHub::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::vector<EventHub::Entry> EventHub::wait_after(uint64_t id, std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return closed_ || last_ > id; });
  std::vector<Entry> news;
  for (const Entry& entry : entries_)
    if (entry.id > id) news.push_back(entry);
  return news;
}

void EventHub::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool EventHub::is_closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace ziplora::studio
