#pragma once
/// What an image was made with, as the options of a job that makes it again.

#include <filesystem>
#include <nlohmann/json.hpp>

#include "studio/library.h"
#include "studio/program.h"

namespace ziplora::studio {

/// source, options, missing and text, as openapi.json has them.
/// @return null if the image carries none
nlohmann::json image_settings(const Program& program, Library& library, const std::filesystem::path& image);

}  // namespace ziplora::studio
