#include "cli/frame/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/frame/setting_text.h"
#include "cli/frame/whole_words.h"
#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/base/read_file.h"
#include "ziplora/io/json_file.h"

namespace ziplora::cli {
namespace {

/// "guidance-scale" for --guidance-scale, "prompt" for a positional.
std::string key_of(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name(true) : option.get_lnames().front();
}

bool belongs_to_config(const CLI::Option& option) { return option.get_group() != kFrameGroup; }

bool is_numeric(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.find("INT") == 0 || type.find("UINT") == 0 || type.find("FLOAT") == 0;
}

nlohmann::ordered_json value_of(const CLI::Option& option, const std::string& text) {
  if (!is_numeric(option)) return text;
  const auto number = parse_ordered_json(text);
  return number && number->is_number() ? *number : nlohmann::ordered_json(text);
}

/// CLI11 takes a number for "so many times", and throws at other texts what is no error of its own.
void require_switch_value(const std::string& text, const std::string& name, const std::string& where) {
  for (const char* known : {"true", "false", "1", "0"})
    if (text == known) return;
  throw Error(ErrorKind::kUsage, where, fmt::format("'{}' is {}, expected true or false", name, text),
              "write one with --print-config");
}

}  // namespace

void apply_config_file(const std::filesystem::path& path, CLI::App& verb) {
  const std::string where = verb.get_name() + ": --config " + path.string();
  std::error_code ignored;  // what cannot be looked at is not there
  if (!std::filesystem::exists(path, ignored))
    throw Error(ErrorKind::kInput, where, "there is no such file", "write one with --print-config");
  const auto config = parse_json(read_file(path));
  if (!config || !config->is_object())
    throw Error(ErrorKind::kInput, where, "the content is not a JSON object",
                "write one with --print-config");
  apply_config(*config, where, verb);
}

void apply_config(const nlohmann::json& config, const std::string& where, CLI::App& verb) {
  std::vector<std::string> known;
  for (const CLI::Option* option : verb.get_options())
    if (belongs_to_config(*option)) known.push_back(key_of(*option));

  for (const auto& [name, value] : config.items()) {
    std::string key = name;
    std::replace(key.begin(), key.end(), '_', '-');
    if (std::find(known.begin(), known.end(), key) == known.end()) throw unknown_name(where, name, known);
    if (value.is_null()) continue;  // "not given"
    CLI::Option* option = nullptr;
    for (CLI::Option* candidate : verb.get_options())
      if (belongs_to_config(*candidate) && key_of(*candidate) == key) option = candidate;
    if (option->count() > 0) continue;  // the command line wins
    std::vector<std::string> texts;
    if (value.is_array())
      for (const auto& element : value) texts.push_back(keep_whole(setting_text(element)));
    else
      texts.push_back(keep_whole(setting_text(value)));
    if (texts.empty()) continue;
    if (is_switch(*option))
      require_switch_value(texts.size() == 1 ? texts.front() : setting_text(value), name, where);
    option->add_result(texts);
    option->run_callback();
  }
}

std::string config_name(const CLI::Option& option) {
  std::string name = key_of(option);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

bool is_switch(const CLI::Option& option) {
  return option.get_expected_max() == 0 || option.get_items_expected_max() == 0;
}

nlohmann::ordered_json resolved_value(const CLI::Option& option) {
  if (is_switch(option)) return option.count() > 0 ? option.as<bool>() : option.get_default_str() == "true";
  if (option.get_expected_max() > 1) {
    nlohmann::ordered_json values = nlohmann::ordered_json::array();
    for (const std::string& text : option.results()) values.push_back(value_of(option, text));
    return values;
  }
  if (option.count() > 0) return value_of(option, option.results().back());
  if (!option.get_default_str().empty()) return value_of(option, option.get_default_str());
  return nullptr;
}

nlohmann::ordered_json resolved_config(const CLI::App& verb) {
  nlohmann::ordered_json config = nlohmann::ordered_json::object();
  for (const CLI::Option* option : verb.get_options())
    if (belongs_to_config(*option)) config[config_name(*option)] = resolved_value(*option);
  return config;
}

}  // namespace ziplora::cli
