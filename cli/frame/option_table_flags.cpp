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

/// By default value: the rows that have it, where an option's default depends on the row.
std::map<std::string, std::vector<std::string>> rows_by_default(const OptionTable& table,
                                                                const std::string& option_name) {
  std::map<std::string, std::vector<std::string>> rows;
  for (const OptionTable::Row& row : table.rows)
    for (const TableOption& option : row.options)
      if (option.name == option_name) rows[setting_text(option.default_value)].push_back(row.name);
  return rows;
}

void set_option(nlohmann::json& options, const OptionTable& table, const TableOption& option,
                const nlohmann::json& value) {
  options.erase(option.name);
  if (value != option.default_value || rows_by_default(table, option.name).size() > 1)
    options[option.name] = value;
}

std::string help_of(const OptionTable& table, const TableOption& option) {
  std::string help = option.choices.empty()
                         ? option.help
                         : fmt::format("{} ({})", option.help, fmt::join(option.choices, ", "));
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
  std::string group = table.row_word;
  group[0] = static_cast<char>(group[0] - 'a' + 'A');
  std::set<std::string> added;
  for (const OptionTable::Row& row : table.rows)
    for (const TableOption& option : row.options)
      if (added.insert(option.name).second)
        add_flag(app, table, option, options)->group(fmt::format("{} {}", group, row.name));
}

std::string table_help(const std::string& summary, const OptionTable& table) {
  std::string help = summary;
  for (const OptionTable::Row& row : table.rows) help += fmt::format("\n  {}: {}", row.name, row.summary);
  return help;
}

}  // namespace ziplora::cli
