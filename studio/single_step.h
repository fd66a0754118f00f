#pragma once
/// One run of one verb, which jobs of several are made of.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "studio/job_steps.h"

namespace ziplora::studio {

/// With an output of its own, unless the options name one.
/// @param options  as a page sends them
JobStep single_step(const JobThings& things, const Program& program, const std::string& verb,
                    nlohmann::json options, const std::filesystem::path& folder);

/// "dog-in-ink × 0.8", or "base": what draws with this config of generate.
std::string contender_of(const nlohmann::json& config);

}  // namespace ziplora::studio
