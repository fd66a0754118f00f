#pragma once
/// Grids as pages see them: jobs whose images have places.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace ziplora::studio {

struct Studio;

nlohmann::json list_grids(Studio& studio);
/// @throws Refusal(404) if the job is none or no grid
nlohmann::json grid(Studio& studio, int64_t job);
/// One labelled PNG, drawn when it is first asked for.
/// @throws Refusal(404), Refusal(409) if some of its images are missing yet
std::filesystem::path draw_grid(Studio& studio, int64_t job);

}  // namespace ziplora::studio
