#pragma once
/// What the routes do, by the file that holds them. Each throws a Refusal, or an Error of the library's, where it cannot.

namespace ziplora::studio {

class Call;
struct Studio;

// handle_about.cpp
void show_about(Studio& studio, Call& call);
void show_verb(Studio& studio, Call& call);
void list_methods(Studio& studio, Call& call);

// handle_library.cpp
void list_adapters(Studio& studio, Call& call);
void add_adapter(Studio& studio, Call& call);
void show_adapter(Studio& studio, Call& call);
void delete_adapter(Studio& studio, Call& call);
void send_adapter(Studio& studio, Call& call);
void send_preview(Studio& studio, Call& call);
void show_inspected(Studio& studio, Call& call);
void list_folders(Studio& studio, Call& call);
void add_folder(Studio& studio, Call& call);
void delete_folder(Studio& studio, Call& call);
void scan_folder(Studio& studio, Call& call);

// handle_images.cpp
void list_images(Studio& studio, Call& call);
void add_image(Studio& studio, Call& call);
void show_image(Studio& studio, Call& call);
void delete_image(Studio& studio, Call& call);
void send_image(Studio& studio, Call& call);
void show_settings(Studio& studio, Call& call);

// handle_jobs.cpp
void list_jobs(Studio& studio, Call& call);
void add_job(Studio& studio, Call& call);
void plan_job(Studio& studio, Call& call);
void show_job(Studio& studio, Call& call);
void delete_job(Studio& studio, Call& call);
void cancel_job(Studio& studio, Call& call);
void restart_job(Studio& studio, Call& call);
void move_job(Studio& studio, Call& call);
void send_log(Studio& studio, Call& call);
void list_job_events(Studio& studio, Call& call);

// handle_evaluations.cpp
void list_evaluations(Studio& studio, Call& call);
void add_evaluation(Studio& studio, Call& call);
void delete_evaluation(Studio& studio, Call& call);
void send_report(Studio& studio, Call& call);

// handle_events.cpp
void stream_events(Studio& studio, Call& call);

// handle_grids.cpp
void list_grids(Studio& studio, Call& call);
void add_grid(Studio& studio, Call& call);
void show_grid(Studio& studio, Call& call);

// handle_votes.cpp
void next_ballot(Studio& studio, Call& call);
void add_vote(Studio& studio, Call& call);
void show_ranking(Studio& studio, Call& call);
void send_votes(Studio& studio, Call& call);
void send_evidence(Studio& studio, Call& call);

}  // namespace ziplora::studio
