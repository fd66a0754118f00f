#pragma once
/// The report of `ziplora inspect` for people: at most 100 columns wide, apart from the file's own path.
///
///     std::string text = inspect_table(report["files"][0]);

#include <nlohmann/json.hpp>
#include <string>

namespace ziplora::cli {

/// @param file  one of run_inspect's "files"
std::string inspect_table(const nlohmann::ordered_json& file);

}  // namespace ziplora::cli
