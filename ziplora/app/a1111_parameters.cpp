#include "ziplora/app/a1111_parameters.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <vector>

#include "ziplora/base/parse_number.h"

namespace ziplora {
namespace {

using nlohmann::json;

constexpr size_t kFewestSettings = 3;  // a last line with fewer is a part of the prompt
constexpr const char* kNegative = "Negative prompt:";

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
  return begin == std::string_view::npos ? "" : std::string(text.substr(begin, end - begin + 1));
}

/// "Steps: 20, Sampler: Euler a, Lora hashes: "a: 1, b: 2"": commas in quotation marks part nothing.
std::map<std::string, std::string> settings_of_line(std::string_view line) {
  std::map<std::string, std::string> settings;
  for (size_t begin = 0; begin < line.size();) {
    bool is_quoted = false;
    size_t end = begin;
    for (; end < line.size() && (is_quoted || line[end] != ','); ++end) {
      if (line[end] == '\\')
        ++end;
      else if (line[end] == '"')
        is_quoted = !is_quoted;
    }
    end = std::min(end, line.size());
    const std::string_view part = line.substr(begin, end - begin);
    if (const size_t colon = part.find(':'); colon != std::string_view::npos)
      settings[trimmed(part.substr(0, colon))] = trimmed(part.substr(colon + 1));
    begin = end + 1;
  }
  return settings;
}

/// Takes the tags <lora:NAME:STRENGTH> out of the prompt.
std::string without_loras(std::string prompt, json& adapters) {
  for (size_t at = 0; (at = prompt.find("<lora:", at)) != std::string::npos;) {
    const size_t end = prompt.find('>', at);
    if (end == std::string::npos) break;
    std::string name = prompt.substr(at + 6, end - at - 6), strength = "1";
    if (const size_t colon = name.find(':'); colon != std::string::npos) {
      strength = name.substr(colon + 1, name.find(':', colon + 1) - colon - 1);
      name.resize(colon);
    }
    if (!name.empty() && parse_number<double>(strength))
      adapters.push_back(fmt::format("{}.safetensors:{}", name, strength));
    prompt.erase(at, end - at + 1);
  }
  return trimmed(prompt);
}

/// Of the samplers that A1111 names, those that ziplora has.
std::optional<std::string> scheduler_of(const std::string& sampler) {
  static const std::map<std::string, std::string> names = {{"Euler", "euler"},
                                                           {"Euler a", "euler-ancestral"},
                                                           {"DDIM", "ddim"},
                                                           {"DPM++ 2M", "dpm++-2m"},
                                                           {"LCM", "lcm"}};
  const auto found = names.find(sampler);
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

template <class Number>
void take_number(json& settings, const char* name, const std::map<std::string, std::string>& given,
                 const char* theirs) {
  const auto found = given.find(theirs);
  if (found == given.end()) return;
  if (const auto number = parse_number<Number>(found->second)) settings[name] = *number;
}

void take_sampler(json& settings, const std::map<std::string, std::string>& given) {
  std::string sampler = given.contains("Sampler") ? given.at("Sampler") : "";
  const bool is_karras = sampler.ends_with(" Karras");  // before A1111 1.9 in the sampler's name, then apart
  if (is_karras) sampler.resize(sampler.size() - std::string_view(" Karras").size());
  if (const auto scheduler = scheduler_of(sampler)) settings["scheduler"] = *scheduler;
  if (is_karras || (given.contains("Schedule type") && given.at("Schedule type") == "Karras"))
    settings["karras"] = true;
}

void take_size(json& settings, const std::map<std::string, std::string>& given) {
  if (!given.contains("Size")) return;
  const std::string size = given.at("Size");
  const size_t x = size.find('x');
  if (x == std::string::npos) return;
  const auto width = parse_number<int64_t>(size.substr(0, x)),
             height = parse_number<int64_t>(size.substr(x + 1));
  if (!width || !height) return;
  settings["width"] = *width;
  settings["height"] = *height;
}

}  // namespace

json settings_of_parameters(const std::string& text) {
  const std::string whole = trimmed(text);
  const size_t last = whole.rfind('\n');
  const std::string line = last == std::string::npos ? whole : whole.substr(last + 1);
  const auto given = settings_of_line(line);
  if (given.size() < kFewestSettings) return nullptr;
  std::string prompt = last == std::string::npos ? "" : whole.substr(0, last), negative;
  const size_t at = prompt.starts_with(kNegative) ? 0 : prompt.find(std::string("\n") + kNegative);
  if (at != std::string::npos) {
    negative = trimmed(prompt.substr(prompt.find(':', at) + 1));
    prompt.resize(at);
  }
  json settings = json::object(), adapters = json::array();
  settings["prompt"] = {without_loras(prompt, adapters)};
  if (!negative.empty()) settings["negative_prompt"] = negative;
  if (!adapters.empty()) settings["adapter"] = adapters;
  take_number<int64_t>(settings, "steps", given, "Steps");
  take_number<double>(settings, "guidance_scale", given, "CFG scale");
  take_number<uint64_t>(settings, "seed", given, "Seed");
  take_sampler(settings, given);
  take_size(settings, given);
  return settings;
}

}  // namespace ziplora
