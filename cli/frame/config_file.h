#pragma once
/// `--config file.json` and `--print-config` for every verb, derived from CLI11's own list of options, so
/// that no verb needs code for them. Keys are the long names of the flags, with `-` or `_`; a flag on the
/// command line wins.
///
///     apply_config_file("run.json", verb);         // fills the options that no flag has set
///     print_out_json(resolved_config(verb), 2);    // can be run again unchanged

#include <CLI/App.hpp>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace ziplora::cli {

/// @throws Error(kInput) if the file is missing or is not a JSON object; Error(kUsage) for an unknown key,
///         with the nearest name in the hint
void apply_config_file(const std::filesystem::path& path, CLI::App& verb);

/// The same for settings from another source, such as an image that carries them.
/// @param where  opens the error message
void apply_config(const nlohmann::json& config, const std::string& where, CLI::App& verb);

/// Every option of the verb, except the frame's own, with its value or default.
nlohmann::ordered_json resolved_config(const CLI::App& verb);

/// The option's key in a config: "guidance_scale" for --guidance-scale, "prompt" for a positional.
std::string config_name(const CLI::Option& option);

/// A flag without a value, such as --resume.
bool is_switch(const CLI::Option& option);

/// The option's value, else its default, else null; of one that repeats, a list.
nlohmann::ordered_json resolved_value(const CLI::Option& option);

/// The help's group for the frame's own flags, which are not part of a config.
inline constexpr const char* kFrameGroup = "Output and configuration";

}  // namespace ziplora::cli
