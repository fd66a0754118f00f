#include <fmt/format.h>

#include <atomic>
#include <memory>

#include "studio/call.h"
#include "studio/event_streams.h"
#include "studio/handlers.h"
#include "studio/refusal.h"
#include "studio/studio.h"
#include "ziplora/base/parse_number.h"

namespace ziplora::studio {
namespace {

/// Also how soon a client that has gone is noticed.
constexpr auto kHeartbeat = std::chrono::seconds(5);

std::atomic<int> streams = 0;

/// One of the places for listeners, as long as it lives.
class Place {
 public:
  Place() {
    if (++streams > kMostStreams) {
      --streams;
      throw Refusal(503, "busy", "events", fmt::format("{} pages listen already", kMostStreams),
                    "close some");
    }
  }
  ~Place() { --streams; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
};

}  // namespace

void stream_events(Studio& studio, Call& call) {
  const auto place = std::make_shared<Place>();
  std::string after = call.header("Last-Event-ID");
  if (after.empty()) after = call.query("after").value_or("");
  const auto last = std::make_shared<uint64_t>(parse_number<uint64_t>(after).value_or(studio.events.last()));
  const auto is_first = std::make_shared<bool>(true);
  const EventHub& hub = studio.events;
  call.response().set_header("X-Accel-Buffering", "no");
  call.response().set_chunked_content_provider(
      "text/event-stream", [&hub, place, last, is_first](size_t, httplib::DataSink& sink) {
        std::string text;
        if (*is_first) text = fmt::format("retry: 1000\nid: {}\nevent: hello\ndata: {{}}\n\n", *last);
        *is_first = false;
        if (text.empty()) {
          for (const EventHub::Entry& entry : hub.wait_after(*last, kHeartbeat)) {
            text += fmt::format("id: {}\ndata: {}\n\n", entry.id, entry.data);
            *last = entry.id;
          }
        }
        if (hub.is_closed()) {
          sink.done();
          return true;
        }
        if (text.empty()) text = ": still here\n\n";
        return sink.write(text.data(), text.size());
      });
}

}  // namespace ziplora::studio
