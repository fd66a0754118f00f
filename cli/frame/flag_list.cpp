#include "cli/frame/flag_list.h"

#include <algorithm>
#include <sstream>
#include <string>

#include "cli/frame/config_file.h"

namespace ziplora::cli {
namespace {

const char* json_type(const CLI::Option& option) {
  if (is_switch(option)) return "boolean";
  const std::string type = option.get_type_name();
  if (type.starts_with("INT") || type.starts_with("UINT")) return "integer";
  return type.starts_with("FLOAT") ? "number" : "string";
}

nlohmann::ordered_json first_of(const std::vector<std::string>& names, const std::string& hyphens) {
  return names.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(hyphens + names.front());
}

/// The lines of the help's EXAMPLE.
std::vector<std::string> examples_of(const CLI::App& verb) {
  std::vector<std::string> examples;
  std::istringstream footer(verb.get_footer());
  for (std::string line; std::getline(footer, line);)
    if (line.starts_with("  ziplora")) examples.push_back(line.substr(2));
  return examples;
}

/// Of a table's help, whose rows are "  name: what it does" beneath the first line.
std::vector<std::string> choices_of(const std::string& help) {
  std::vector<std::string> choices;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("  ")) choices.push_back(line.substr(2, line.find(':') - 2));
  return choices;
}

}  // namespace

nlohmann::ordered_json flag_list(const CLI::App& verb, const std::vector<const CLI::Option*>& own,
                                 const std::vector<CLI::Option*>& required) {
  nlohmann::ordered_json flags = nlohmann::ordered_json::array();
  for (const CLI::Option* option : own)
    flags.push_back({{"name", config_name(*option)},
                     {"flag", first_of(option->get_lnames(), "--")},
                     {"short_flag", first_of(option->get_snames(), "-")},
                     {"off_flag", first_of(option->get_fnames(), "--")},
                     {"type", json_type(*option)},
                     {"value_name", is_switch(*option) ? "" : option->get_type_name()},
                     {"repeats", !is_switch(*option) && option->get_expected_max() > 1},
                     {"required", std::ranges::find(required, option) != required.end()},
                     {"default", resolved_value(*option)},
                     {"choices", choices_of(option->get_description())},
                     {"group", option->get_group()},
                     {"help", option->get_description()}});
  return {{"name", verb.get_name()},
          {"summary", verb.get_description()},
          {"examples", examples_of(verb)},
          {"flags", flags}};
}

}  // namespace ziplora::cli
