#pragma once
/// Records that grow line by line in a run's folder, such as metrics.jsonl: every line is JSON of its own.
///
///     append_json_line("runs/dog/metrics.jsonl", {{"iteration", 10}, {"loss", 0.12}});

#include <filesystem>
#include <nlohmann/json.hpp>

namespace ziplora {

/// The line is there whole or not at all.
/// @throws Error(kExhausted) if the disk is full, Error(kFailed) if the file cannot be written to
void append_json_line(const std::filesystem::path& path, const nlohmann::json& record);

}  // namespace ziplora
