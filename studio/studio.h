#pragma once
/// Everything that a route may need, made in the order in which it depends on each other.

#include "studio/database.h"
#include "studio/evaluations.h"
#include "studio/event_hub.h"
#include "studio/gallery.h"
#include "studio/inspector.h"
#include "studio/jobs.h"
#include "studio/launch/options.h"
#include "studio/library.h"
#include "studio/program.h"
#include "studio/tickets.h"
#include "studio/votes.h"

namespace ziplora::studio {

struct Studio {
  /// @throws Error if the data folder cannot be made or read
  explicit Studio(StudioOptions given)
      : options(std::move(given)),
        program(options.program),
        database(options.data / "studio.sqlite"),
        inspector(database, events, program),
        library(database, events, inspector, options.data / "adapters"),
        gallery(database, events, options.data / "images"),
        evaluations(database, events),
        votes(database),
        jobs(database, events, program, JobThings{library, gallery, evaluations, tickets, options.base},
             options.data / "jobs") {}

  StudioOptions options;
  EventHub events;
  Tickets tickets;
  Program program;
  Database database;
  Inspector inspector;
  Library library;
  Gallery gallery;
  Evaluations evaluations;
  Votes votes;
  Jobs jobs;
};

}  // namespace ziplora::studio
