#include "ziplora/models/config_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"

namespace ziplora {

ConfigReader::ConfigReader(const nlohmann::json& config, std::string where, const ConfigHints& hints)
    : config_(config), where_(std::move(where)), hints_(hints) {
  if (!config.is_object()) {
    throw Error(ErrorKind::kInput, where_,
                fmt::format("expected a JSON object, found {}", config.type_name()), hints_.malformed);
  }
}

const nlohmann::json* ConfigReader::find(const std::string& field) {
  asked_.insert(field);
  const auto found = config_.find(field);
  return found == config_.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigReader::has(const std::string& field) { return find(field) != nullptr; }

int64_t ConfigReader::positive(const std::string& field) {
  const nlohmann::json* value = find(field);
  if (!value) wrong_type(field, "is missing");
  if (!value->is_number_integer() || value->get<int64_t>() < 1)
    wrong_type(field, fmt::format("is {}, expected a whole number above 0", value->dump()).c_str());
  if (value->get<int64_t>() > kLargestSize)
    wrong_type(field, fmt::format("is {}, expected at most {}", value->dump(), kLargestSize).c_str());
  return value->get<int64_t>();
}

int64_t ConfigReader::layers(const std::string& field) {
  const int64_t count = positive(field);
  if (count > kMostLayers) unsupported(field, fmt::format("at most {}", kMostLayers));
  return count;
}

std::vector<int64_t> ConfigReader::per_block(const std::string& field, size_t blocks, int64_t absent) {
  const nlohmann::json* value = find(field);
  if (!value) return std::vector<int64_t>(blocks, absent);
  if (value->is_number_integer()) return std::vector<int64_t>(blocks, value->get<int64_t>());
  const auto list = get<std::vector<int64_t>>(field);
  if (list.size() != blocks) {
    wrong_type(field, fmt::format("has {} entries, the model has {} blocks", list.size(), blocks).c_str());
  }
  return list;
}

void ConfigReader::expect(const std::string& field, const nlohmann::json& supported) {
  const nlohmann::json* value = find(field);
  if (value && *value != supported) unsupported(field, supported.dump());
}

void ConfigReader::skip(const std::vector<std::string>& fields) {
  asked_.insert(fields.begin(), fields.end());
}

void ConfigReader::finish() const {
  std::vector<std::string> unknown;
  for (const auto& [field, value] : config_.items()) {
    if (!field.starts_with("_") && !asked_.count(field))
      unknown.push_back(fmt::format("{} = {}", field, value.dump()));
  }
  if (!unknown.empty()) {
    throw Error(ErrorKind::kIncompatible, where_,
                fmt::format("unknown settings: {}", fmt::join(unknown, ", ")), hints_.unknown_settings);
  }
}

void ConfigReader::unsupported(const std::string& field, const std::string& supported) const {
  const auto found = config_.find(field);
  throw Error(ErrorKind::kIncompatible, where_,
              fmt::format("{} is {}, supported: {}", field, found == config_.end() ? "absent" : found->dump(),
                          supported),
              hints_.unsupported);
}

void ConfigReader::wrong_type(const std::string& field, const char* problem) const {
  throw Error(ErrorKind::kInput, where_, fmt::format("{}: {}", field, problem), hints_.malformed);
}

}  // namespace ziplora
