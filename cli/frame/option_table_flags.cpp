#include "cli/frame/option_table_flags.h"

#include <CLI/Option.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <vector>

#include "cli/frame/setting_text.h"
#include "ziplora/io/json_file.h"

namespace ziplora::cli {
namespace {

nlohmann::json parse_value(const TableOption& option, const std::string& text) {
  if (option.default_value.is_string()) return text;
  return parse_json(text).value_or(text);
}

/// By what `text` says of the option: the rows that have it so.
std::map<std::string, std::vector<std::string>> rows_by(const OptionTable& table,
                                                        const std::string& option_name,
                                                        std::string (*text)(const TableOption&)) {
  std::map<std::string, std::vector<std::string>> rows;
  for (const OptionTable::Row& row : table.rows)
    for (const TableOption& option : row.options)
      if (option.name == option_name) rows[text(option)].push_back(row.name);
  return rows;
}

/// More than one where an option's default depends on the row.
std::map<std::string, std::vector<std::string>> rows_by_default(const OptionTable& table,
                                                                const std::string& option_name) {
  return rows_by(table, option_name,
                 [](const TableOption& option) { return setting_text(option.default_value); });
}

std::string choices_of(const TableOption& option) {
  return fmt::format("{}", fmt::join(option.choices, ", "));
}

/// "Methods ssr, route": all rows that have the option.
std::string group_of(const OptionTable& table, const TableOption& option) {
  std::string word = table.row_word;
  word[0] = static_cast<char>(word[0] - 'a' + 'A');
  const auto all = rows_by(table, option.name, [](const TableOption&) { return std::string(); });
  const std::vector<std::string>& rows = all.begin()->second;
  if (rows.size() == 1) return fmt::format("{} {}", word, rows.front());
  return fmt::format("{} {}", word.ends_with('y') ? word.substr(0, word.size() - 1) + "ies" : word + "s",
                     fmt::join(rows, ", "));
}

void set_option(nlohmann::json& options, const OptionTable& table, const TableOption& option,
                const nlohmann::json& value) {
  options.erase(option.name);
  if (value != option.default_value || rows_by_default(table, option.name).size() > 1)
    options[option.name] = value;
}

std::string help_of(const OptionTable& table, const TableOption& option) {
  std::string help = option.help;
  const auto choices = rows_by(table, option.name, choices_of);
  if (choices.size() == 1 && !option.choices.empty()) help += fmt::format(" ({})", choices_of(option));
  if (choices.size() > 1)
    for (const auto& [names, rows] : choices) help += fmt::format("; {}: {}", fmt::join(rows, ", "), names);
  const auto rows = rows_by_default(table, option.name);
  if (rows.size() == 1) return help;
  for (const auto& [value, names] : rows) help += fmt::format("; {}: {}", fmt::join(names, ", "), value);
  return help;
}

CLI::Option* add_flag(CLI::App& app, const OptionTable& table, const TableOption& option,
                      nlohmann::json& options) {
  CLI::Option* flag;
  if (option.is_switch())
    flag = app.add_flag_function(
        fmt::format("--{0},!--no-{0}", option.name),
        [&options, &table, &option](int64_t count) { set_option(options, table, option, count > 0); },
        help_of(table, option));
  else
    flag = app.add_option_function<std::string>(
                  "--" + option.name,
                  [&options, &table, &option](const std::string& text) {
                    set_option(options, table, option, parse_value(option, text));
                  },
                  help_of(table, option))
               ->type_name(option.type_name());
  const bool is_off = option.is_switch() && !option.default_value.get<bool>();
  if (!is_off && rows_by_default(table, option.name).size() == 1)
    flag->default_str(setting_text(option.default_value));
  return flag;
}

}  // namespace

void add_table_flags(CLI::App& app, const OptionTable& table, nlohmann::json& options) {
  std::set<std::string> added;
  for (const OptionTable::Row& row : table.rows)
    for (const TableOption& option : row.options)
      if (added.insert(option.name).second)
        add_flag(app, table, option, options)->group(group_of(table, option));
}

nlohmann::ordered_json options_json(const std::vector<TableOption>& options) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const TableOption& option : options) {
    const nlohmann::json& value = option.default_value;
    const char* type = value.is_boolean()          ? "boolean"
                       : value.is_number_integer() ? "integer"
                       : value.is_number()         ? "number"
                                                   : "string";
    list.push_back({{"name", option.name},
                    {"help", option.help},
                    {"type", type},
                    {"default", value},
                    {"choices", option.choices},
                    {"minimum", nullptr},
                    {"maximum", nullptr}});
    if (option.minimum) list.back()["minimum"] = *option.minimum;
    if (value.is_number_integer()) list.back()["maximum"] = option.maximum;
  }
  return list;
}

std::string table_help(const std::string& summary, const OptionTable& table) {
  std::string help = summary;
  for (const OptionTable::Row& row : table.rows) help += fmt::format("\n  {}: {}", row.name, row.summary);
  return help;
}

}  // namespace ziplora::cli
