#pragma once
/// Flags for the options of a table: every option of every row is a flag, and those that several rows share
/// are one.
///
///     app.add_option("--method", request.method, table_help("Merge in this way", merge_option_table()));
///     add_table_flags(app, merge_option_table(), request.options);

#include <CLI/App.hpp>

#include <nlohmann/json.hpp>
#include <string>

#include "ziplora/io/option_table.h"

namespace ziplora::cli {

/// @param table    outlives the app
/// @param options  gets what is given, by option name; outlives the app. A default is not passed on, so that
///                 a printed config still runs, although it has the defaults of all rows. One that depends on
///                 the row stands in no printed config.
void add_table_flags(CLI::App& app, const OptionTable& table, nlohmann::json& options);

/// [{"name": "density", "help": …, "type": "number", "default": 0.2, "choices": [], "minimum": 0.0, "maximum": null}, …]
nlohmann::ordered_json options_json(const std::vector<TableOption>& options);

/// `summary`, then a line for each row.
std::string table_help(const std::string& summary, const OptionTable& table);

}  // namespace ziplora::cli
