#pragma once
/// Appends records to a file that grows line by line, such as a run's metrics.jsonl. Every line is a JSON value.
///
///     append_json_line("runs/dog/metrics.jsonl", {{"iteration", 10}, {"loss", 0.12}}, "--run-folder");

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace ziplora {

/// The line is there whole or not at all.
/// @param place  for the hint: what the user sets to write elsewhere, such as a flag
/// @throws Error(kExhausted) if the disk is full, Error(kFailed) if the file cannot be written to
void append_json_line(const std::filesystem::path& path, const nlohmann::json& record,
                      const std::string& place);

}  // namespace ziplora
