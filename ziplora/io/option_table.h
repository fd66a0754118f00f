#pragma once
/// Options of the rows of a table, such as the merge methods: a row says which options it has, with types,
/// defaults and ranges, and what a user gives is checked against them. Flags, help, configs and recipes come
/// from the table (cli/frame/option_table_flags.h).
///
///     const OptionTable& table = merge_option_table();
///     nlohmann::json options = resolve_options(table, "ties", {{"density", 0.3}});  // with the defaults
///
/// Option names are unique by meaning: rows that share a name share the flag.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ziplora {

struct TableOption {
  std::string name, help;
  /// Its JSON type (bool, integer, float or string) is the option's type.
  nlohmann::json default_value;
  /// Of a string; empty: any.
  std::vector<std::string> choices = {};
  /// Of a number, inclusive.
  std::optional<double> minimum = {};
  /// Of a whole number, inclusive: beyond int64 it would wrap around. Smaller for what takes memory by its number.
  int64_t maximum = 1'000'000'000'000;
  /// What help calls a value: "INT", "FLOAT", or for a string this. Absent: "NAME".
  const char* value_name = nullptr;

  bool is_switch() const { return default_value.is_boolean(); }
  /// "INT", "FLOAT", "NAME", …
  const char* type_name() const;
};

struct OptionTable {
  struct Row {
    std::string name;
    /// One line for help, which names the paper.
    std::string summary;
    std::vector<TableOption> options;
  };
  /// Of the verb whose flags they are; opens error messages: "merge".
  std::string verb;
  /// What a row is: "method".
  std::string row_word;
  std::vector<Row> rows;
};

/// The row's defaults, overlaid with what was given.
/// @param row    one that the table has
/// @param given  object of option name → value
/// @throws Error(kUsage) for an unknown option (“did you mean”), and for a value of another type, out of its
///         range or not among the choices
nlohmann::json resolve_options(const OptionTable& table, const std::string& row, const nlohmann::json& given);

}  // namespace ziplora
