#include "studio/call.h"
#include "studio/grids.h"
#include "studio/handlers.h"
#include "studio/studio.h"

namespace ziplora::studio {

void list_grids(Studio& studio, Call& call) { call.answer({{"grids", list_grids(studio)}}); }

void add_grid(Studio& studio, Call& call) {
  nlohmann::json request = call.body();
  request["verb"] = "grid";
  if (!request.contains("options")) request["options"] = nlohmann::json::object();
  call.answer(grid(studio, studio.jobs.submit(request).at("id")), 201);
}

void show_grid(Studio& studio, Call& call) { call.answer(grid(studio, call.id())); }

}  // namespace ziplora::studio
