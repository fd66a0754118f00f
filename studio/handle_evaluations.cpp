#include "studio/call.h"
#include "studio/handlers.h"
#include "studio/refusal.h"
#include "studio/studio.h"

namespace ziplora::studio {

void list_evaluations(Studio& studio, Call& call) {
  call.answer({{"evaluations", studio.evaluations.list()}});
}

void add_evaluation(Studio& studio, Call& call) {
  const nlohmann::json path = call.body().value("path", nlohmann::json());
  if (!path.is_string())
    throw Refusal(400, "usage", "evaluation", "there is no path", "send {\"path\": \"/home/me/out/pairs\"}");
  call.answer(studio.evaluations.add(path, {}), 201);
}

void delete_evaluation(Studio& studio, Call& call) {
  studio.evaluations.remove(call.id());
  call.answer_nothing();
}

/// The report draws its charts itself: its own scripts run, in an origin of their own, and reach nothing.
void send_report(Studio& studio, Call& call) {
  call.response().headers.erase("Content-Security-Policy");
  call.response().set_header(
      "Content-Security-Policy",
      "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
      "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  call.answer_file(studio.jobs.report(call.id()), "text/html; charset=utf-8", "");
}

}  // namespace ziplora::studio
