#include "ziplora/io/option_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

const char* words_for_type(const nlohmann::json& value) {
  if (value.is_boolean()) return "true or false";
  if (value.is_number_integer()) return "a whole number";
  if (value.is_number()) return "a number";
  return "a string";
}

bool same_type(const nlohmann::json& value, const nlohmann::json& like) {
  if (like.is_number_float()) return value.is_number();
  if (like.is_number_integer()) return value.is_number_integer();
  return value.type() == like.type();
}

void check_value(const std::string& where, const TableOption& option, const nlohmann::json& value) {
  if (!same_type(value, option.default_value))
    throw Error(ErrorKind::kUsage, where,
                fmt::format("{} is not {}", json_line(value), words_for_type(option.default_value)),
                "the default is " + json_line(option.default_value));
  if (!option.choices.empty()) {
    const std::string word = value.get<std::string>();
    if (std::find(option.choices.begin(), option.choices.end(), word) == option.choices.end())
      throw unknown_name(where, word, option.choices);
  }
  if (option.minimum && value.get<double>() < *option.minimum)
    throw Error(ErrorKind::kUsage, where,
                fmt::format("{} is too small; the minimum is {}", json_line(value), *option.minimum),
                "the default is " + json_line(option.default_value));
  if (value.is_number_integer() && value.get<double>() > static_cast<double>(option.maximum))
    throw Error(ErrorKind::kUsage, where,
                fmt::format("{} is too large; the maximum is {}", json_line(value), option.maximum),
                "the default is " + json_line(option.default_value));
}

/// @return nothing if the row has no such option
const TableOption* option_of(const OptionTable::Row& row, const std::string& name) {
  const auto option = std::ranges::find(row.options, name, &TableOption::name);
  return option == row.options.end() ? nullptr : &*option;
}

Error unknown_option(const OptionTable& table, const OptionTable::Row& row, const std::string& name) {
  const std::string where = fmt::format("{}: options of {} '{}'", table.verb, table.row_word, row.name);
  std::vector<std::string> owners, names;
  for (const OptionTable::Row& other : table.rows)
    if (option_of(other, name)) owners.push_back(other.name);
  if (!owners.empty())
    return Error(ErrorKind::kUsage, where,
                 fmt::format("there is no '{}'; it is an option of {}", name, fmt::join(owners, ", ")),
                 fmt::format("leave it out, or choose the {} {}", table.row_word, fmt::join(owners, " or ")));
  for (const TableOption& option : row.options) names.push_back(option.name);
  return unknown_name(where, name, names);
}

}  // namespace

const char* TableOption::type_name() const {
  if (default_value.is_number_integer()) return "INT";
  if (default_value.is_number()) return "FLOAT";
  return value_name ? value_name : "NAME";
}

nlohmann::json resolve_options(const OptionTable& table, const std::string& row_name,
                               const nlohmann::json& given) {
  const auto row = std::ranges::find(table.rows, row_name, &OptionTable::Row::name);
  if (row == table.rows.end())
    throw Error(ErrorKind::kInternal, table.verb, "the table has no row " + row_name);
  nlohmann::json resolved = nlohmann::json::object();
  for (const TableOption& option : row->options) resolved[option.name] = option.default_value;
  for (const auto& [name, value] : given.items()) {
    const TableOption* option = option_of(*row, name);
    if (!option) throw unknown_option(table, *row, name);
    check_value(fmt::format("{}: --{}", table.verb, name), *option, value);
    resolved[name] = value;
  }
  return resolved;
}

}  // namespace ziplora
