#include "ziplora/evaluate/contender.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

using nlohmann::json;
using Way = Contender::Way;

constexpr const char* kExample = R"(for example {"method": "direct", "strengths": [0.7, 1]})";

[[noreturn]] void refuse(const std::string& place, const std::string& problem,
                         const std::string& hint = kExample) {
  throw Error(ErrorKind::kInput, place, problem, hint);
}

void require_known_keys(const json& entry, const std::string& place) {
  static const std::vector<std::string> known = {"name",    "method",    "strategy",       "file",
                                                 "options", "strengths", "style_strengths"};
  if (!entry.is_object()) refuse(place, fmt::format("found {}, expected an object", entry.type_name()));
  for (const auto& [key, value] : entry.items())
    if (std::ranges::find(known, key) == known.end()) {
      const Error unknown = unknown_name(place, key, known);
      refuse(place, unknown.problem(), unknown.hint());
    }
  if (entry.contains("method") + entry.contains("strategy") + entry.contains("file") != 1)
    refuse(place, "expected a \"method\" of merging, a \"strategy\" of drawing, or a \"file\" of the pairs");
  for (const char* key : {"options", "strengths", "style_strengths"})
    if (entry.contains("file") && entry.contains(key))
      refuse(place + "." + key, "a ready file is drawn as it is", "leave it out");
}

std::string text(const json& entry, const char* key, const std::string& place) {
  const json& value = entry.at(key);
  if (!value.is_string() || value.get_ref<const std::string&>().empty())
    refuse(place + "." + key, fmt::format("found {}, expected a name", json_line(value)));
  return value;
}

std::vector<double> numbers(const json& entry, const char* key, const std::string& place) {
  const json& values = entry.at(key);
  const auto is_number = [](const json& value) { return value.is_number(); };
  if (!values.is_array() || values.empty() || !std::ranges::all_of(values, is_number))
    refuse(place + "." + key, fmt::format("found {}, expected a list of numbers", json_line(values)));
  return values;
}

/// "direct", "direct 0.7, 1", "ties (density 0.3)".
std::string name_of_entry(const Contender& contender) {
  std::string name = contender.by;
  if (contender.strengths != std::array<double, 2>{1, 1})
    name += fmt::format(" {:g}, {:g}", contender.strengths[0], contender.strengths[1]);
  std::string options;
  for (const auto& [option, value] : contender.options.items())
    options += fmt::format("{}{} {}", options.empty() ? "" : ", ", option,
                           value.is_string() ? value.get<std::string>() : json_line(value));
  return options.empty() ? name : fmt::format("{} ({})", name, options);
}

Way way_of(const json& entry) {
  if (entry.contains("file")) return Way::kFile;
  return entry.contains("method") ? Way::kMerge : Way::kStrategy;
}

/// Under which an entry names what it is by.
const char* key_of(Way way) {
  if (way == Way::kFile) return "file";
  return way == Way::kMerge ? "method" : "strategy";
}

Contender contender_of(const json& entry, const std::string& place) {
  require_known_keys(entry, place);
  Contender contender;
  contender.way = way_of(entry);
  contender.by = text(entry, key_of(contender.way), place);
  if (entry.contains("options")) contender.options = entry["options"];
  if (!contender.options.is_object())
    refuse(place + ".options", fmt::format("found {}, expected an object", json_line(contender.options)));
  if (entry.contains("strengths")) {
    const std::vector<double> strengths = numbers(entry, "strengths", place);
    if (strengths.size() != 2)
      refuse(
          place + ".strengths",
          fmt::format("found {} numbers, expected the subject's strength and the style's", strengths.size()));
    contender.strengths = {strengths[0], strengths[1]};
  }
  contender.name = entry.contains("name") ? text(entry, "name", place) : name_of_entry(contender);
  return contender;
}

}  // namespace

std::vector<Contender> bounds() {
  return {{.name = "base alone", .way = Way::kBase},
          {.name = "subject alone", .way = Way::kSubject},
          {.name = "style alone", .way = Way::kStyle}};
}

std::vector<Contender> read_contenders(const json& methods, const std::string& where) {
  if (!methods.is_array() || methods.empty())
    refuse(where + ": methods", "expected a list of at least one entry");
  std::vector<Contender> found;
  std::set<std::string> names;
  for (const Contender& bound : bounds()) names.insert(bound.name);
  for (size_t i = 0; i < methods.size(); ++i) {
    const std::string place = fmt::format("{}: methods[{}]", where, i);
    const Contender contender = contender_of(methods[i], place);
    const std::vector<double> style_strengths = methods[i].contains("style_strengths")
                                                    ? numbers(methods[i], "style_strengths", place)
                                                    : std::vector<double>{1};
    for (const double strength : style_strengths) {
      Contender& row = found.emplace_back(contender);
      row.style_strength = strength;
      if (strength != 1) row.name += fmt::format(", style × {:g}", strength);
      if (!names.insert(row.name).second)
        refuse(place, fmt::format("'{}' is given twice", row.name), R"(give it a "name" of its own)");
    }
  }
  return found;
}

json to_json(const Contender& contender) {
  json object = {{"name", contender.name}};
  if (contender.is_bound()) return object;
  object[key_of(contender.way)] = contender.by;
  if (contender.way == Way::kFile) return object;
  object["options"] = contender.options;
  object["strengths"] = contender.strengths;
  object["style_strength"] = contender.style_strength;
  return object;
}

}  // namespace ziplora
