#include "studio/call.h"
#include "studio/evidence.h"
#include "studio/handlers.h"
#include "studio/studio.h"

namespace ziplora::studio {

void next_ballot(Studio& studio, Call& call) {
  const nlohmann::json ballot =
      studio.votes.next(call.query("question").value_or(""), call.query_number("evaluation"));
  if (ballot.is_null()) return call.answer_nothing();
  call.answer(ballot);
}

void add_vote(Studio& studio, Call& call) { call.answer({{"votes", studio.votes.add(call.body())}}, 201); }

void show_ranking(Studio& studio, Call& call) {
  call.answer(studio.votes.ranking(call.query_number("evaluation")));
}

void send_votes(Studio& studio, Call& call) {
  call.response().set_header("Content-Disposition", "attachment; filename=votes.csv");
  call.answer_text(studio.votes.csv(), "text/csv; charset=utf-8");
}

void send_evidence(Studio& studio, Call& call) {
  call.answer_file(write_evidence(studio), "application/zip", "evidence.zip");
}

}  // namespace ziplora::studio
