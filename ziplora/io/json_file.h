#pragma once
/// JSON files in and out: configs, index files, reports. What the values mean is checked where they are used.
///
///     nlohmann::json config = read_json_file("unet/config.json");
///     write_json_file("report.json", report);

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace ziplora {

/// @throws Error(kInput) if the file is missing or is not JSON, with line and column
nlohmann::json read_json_file(const std::filesystem::path& path);

/// JSON that stands inside another file, such as the metadata of a LoRA.
/// @return nothing if it is not JSON, or nests so deep that copying it would exhaust the stack
std::optional<nlohmann::json> parse_json(std::string_view text);

/// Two-space indent and a final newline; appears whole or not at all.
/// @throws as AtomicFile; Error(kInternal) if a string is not UTF-8
void write_json_file(const std::filesystem::path& path, const nlohmann::json& json);

}  // namespace ziplora
