#pragma once
/// `--config file.json` and `--print-config` for every verb, from CLI11's own list of options: no verb writes
/// a line for it. Keys are the long flag names (`guidance-scale`, or with `_`); an option given on the
/// command line wins.
///
///     apply_config_file("run.json", verb);             // fills what the flags left open
///     std::cout << resolved_config(verb).dump(2);      // runs again unchanged

#include <CLI/App.hpp>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace ziplora::cli {

/// @throws Error(kInput) if the file is missing or no JSON object, Error(kUsage) for unknown keys (“did you
/// mean”)
void apply_config_file(const std::filesystem::path& path, CLI::App& verb);

/// As apply_config_file, for settings that came from elsewhere (an image that carries them).
/// @param where  opens the error messages
void apply_config(const nlohmann::json& config, const std::string& where, CLI::App& verb);

/// Every option of the verb but those of the frame (help, output style), with its value or default.
nlohmann::ordered_json resolved_config(const CLI::App& verb);

/// Group of the frame's own flags in the help; they are not part of a config.
inline constexpr const char* kFrameGroup = "Output and configuration";

}  // namespace ziplora::cli
