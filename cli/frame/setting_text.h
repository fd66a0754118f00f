#pragma once
/// A JSON value as a flag takes it on the command line: a string without its quotes, anything else as JSON.

#include <nlohmann/json.hpp>
#include <string>

namespace ziplora::cli {

inline std::string setting_text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace ziplora::cli
