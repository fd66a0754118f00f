#pragma once
/// A comparison for programs: one JSON object of its tables, and a line of CSV for each image and judge.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/evaluate/evaluation.h"

namespace ziplora {

/// Without the single images.
nlohmann::json to_json(const Evaluation& evaluation, const std::vector<Table>& tables);

/// With a heading, as RFC 4180 has it. What a judge cannot say is empty.
/// @param folder  to which the images' paths are relative
std::string images_csv(const Evaluation& evaluation, const std::filesystem::path& folder);

}  // namespace ziplora
