#include "studio/call.h"
#include "studio/handlers.h"
#include "studio/refusal.h"
#include "studio/studio.h"

namespace ziplora::studio {

void list_jobs(Studio& studio, Call& call) {
  const int64_t limit = std::clamp<int64_t>(call.query_number("limit").value_or(200), 1, 1000);
  call.answer({{"jobs", studio.jobs.list(limit)}});
}

void add_job(Studio& studio, Call& call) {
  const nlohmann::json request = call.body();
  if (request.value("verb", nlohmann::json()) == "grid")
    throw Refusal(400, "usage", "job", "a grid has a route of its own", "send it to /api/v1/grids");
  call.answer(studio.jobs.submit(request), 201);
}

void plan_job(Studio& studio, Call& call) { call.answer(studio.jobs.plan(call.body())); }

void show_job(Studio& studio, Call& call) { call.answer(studio.jobs.job(call.id())); }

void delete_job(Studio& studio, Call& call) {
  studio.jobs.remove(call.id());
  call.answer_nothing();
}

void cancel_job(Studio& studio, Call& call) { call.answer(studio.jobs.cancel(call.id())); }

void restart_job(Studio& studio, Call& call) { call.answer(studio.jobs.restart(call.id())); }

void move_job(Studio& studio, Call& call) {
  const nlohmann::json position = call.body().value("position", nlohmann::json());
  if (!position.is_number_integer())
    throw Refusal(400, "usage", "job", "there is no position", "send {\"position\": 0} for the front");
  call.answer(studio.jobs.move(call.id(), position));
}

void send_log(Studio& studio, Call& call) {
  call.answer_text(studio.jobs.log(call.id()), "text/plain; charset=utf-8");
}

void list_job_events(Studio& studio, Call& call) { call.answer({{"events", studio.jobs.events(call.id())}}); }

}  // namespace ziplora::studio
