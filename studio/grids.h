#pragma once
/// Grids as pages see them: jobs whose images have places.

#include <cstdint>
#include <nlohmann/json.hpp>

namespace ziplora::studio {

struct Studio;

nlohmann::json list_grids(Studio& studio);
/// @throws Refusal(404) if the job is none or no grid
nlohmann::json grid(Studio& studio, int64_t job);

}  // namespace ziplora::studio
