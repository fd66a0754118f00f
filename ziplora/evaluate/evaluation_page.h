#pragma once
/// A comparison as one HTML page that needs nothing beside it: charts, filters, the table, and images of some pairs.
///
///     write_text_file("report.html", evaluation_page(json, evaluation));
///
/// The page is assets/report/: charts are drawn by Observable Plot on D3, which it carries along.

#include <nlohmann/json.hpp>
#include <string>

#include "ziplora/evaluate/evaluation.h"

namespace ziplora {

/// @param figures  as to_json(evaluation, tables), with "command_line" and each contender's "command"
/// @return         under 3 MB: as many pairs are shown as fit, at equal steps in each group
/// @throws Error(kInput) if an asset or an image is missing
std::string evaluation_page(const nlohmann::json& figures, const Evaluation& evaluation);

}  // namespace ziplora
