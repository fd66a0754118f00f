#pragma once
/// `--print-flags`: every verb with its flags as JSON, from CLI11's own list of them, for programs that call this one. The
/// Python package is made of it.
///
///     print_out_json(flag_list(verb, own_options, required), 2);

#include <CLI/App.hpp>

#include <nlohmann/json.hpp>
#include <vector>

namespace ziplora::cli {

/// {"name": "merge", "summary": …, "examples": ["ziplora merge …"], "flags": [{"name": "subject_prompt", "flag":
/// "--subject-prompt", "short_flag": null, "off_flag": null, "type": "string", "value_name": "PROMPT", "repeats": true, "required": false,
/// "default": [], "choices": [], "group": …, "help": …}, …]}.
/// `flag` is null for a positional, `name` is the key of a config, and `type` is boolean, integer, number or string.
/// `choices` are the rows of the table that the help shows, such as the methods; empty without a table.
/// @param own       options of the verb itself, without the frame's
/// @param required  those of them without which the verb does not run
nlohmann::ordered_json flag_list(const CLI::App& verb, const std::vector<const CLI::Option*>& own,
                                 const std::vector<CLI::Option*>& required);

}  // namespace ziplora::cli
