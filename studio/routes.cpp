#include "studio/handlers.h"
#include "studio/route.h"

namespace ziplora::studio {

const std::vector<Route>& routes() {
  static const std::vector<Route> table = {
      {"GET", "/api/v1/about", show_about},
      {"GET", "/api/v1/verbs/{verb}", show_verb},
      {"GET", "/api/v1/methods", list_methods},
      {"GET", "/api/v1/adapters", list_adapters},
      {"POST", "/api/v1/adapters", add_adapter},
      {"GET", "/api/v1/adapters/{id}", show_adapter},
      {"DELETE", "/api/v1/adapters/{id}", delete_adapter},
      {"GET", "/api/v1/adapters/{id}/file", send_adapter},
      {"GET", "/api/v1/adapters/{id}/preview", send_preview},
      {"GET", "/api/v1/adapters/{id}/inspect", show_inspected},
      {"GET", "/api/v1/folders", list_folders},
      {"POST", "/api/v1/folders", add_folder},
      {"DELETE", "/api/v1/folders/{id}", delete_folder},
      {"POST", "/api/v1/folders/{id}/scan", scan_folder},
      {"GET", "/api/v1/images", list_images},
      {"POST", "/api/v1/images", add_image},
      {"GET", "/api/v1/images/{id}", show_image},
      {"DELETE", "/api/v1/images/{id}", delete_image},
      {"GET", "/api/v1/images/{id}/file", send_image},
      {"GET", "/api/v1/images/{id}/settings", show_settings},
      {"GET", "/api/v1/jobs", list_jobs},
      {"POST", "/api/v1/jobs", add_job},
      {"POST", "/api/v1/jobs/plan", plan_job},
      {"GET", "/api/v1/jobs/{id}", show_job},
      {"DELETE", "/api/v1/jobs/{id}", delete_job},
      {"POST", "/api/v1/jobs/{id}/cancel", cancel_job},
      {"POST", "/api/v1/jobs/{id}/restart", restart_job},
      {"POST", "/api/v1/jobs/{id}/move", move_job},
      {"GET", "/api/v1/jobs/{id}/log", send_log},
      {"GET", "/api/v1/jobs/{id}/events", list_job_events},
      {"GET", "/api/v1/jobs/{id}/report", send_report},
      {"GET", "/api/v1/events", stream_events},
      {"GET", "/api/v1/grids", list_grids},
      {"POST", "/api/v1/grids", add_grid},
      {"GET", "/api/v1/grids/{id}", show_grid},
      {"GET", "/api/v1/evaluations", list_evaluations},
      {"POST", "/api/v1/evaluations", add_evaluation},
      {"DELETE", "/api/v1/evaluations/{id}", delete_evaluation},
      {"GET", "/api/v1/ballots/next", next_ballot},
      {"POST", "/api/v1/votes", add_vote},
      {"GET", "/api/v1/ranking", show_ranking},
      {"GET", "/api/v1/votes.csv", send_votes},
      {"GET", "/api/v1/evidence.zip", send_evidence},
  };
  return table;
}

}  // namespace ziplora::studio
