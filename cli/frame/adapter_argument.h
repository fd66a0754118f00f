#pragma once
/// Arguments like "cat.safetensors:0.8", a file and its number, are read here and nowhere else.
///
///     // strength 0.8
///     const AdapterChoice cat = parse_adapter("generate: --adapter", "cat.safetensors:0.8");
///     const std::string example = "noise.safetensors:0";
///     const auto [file, row] = split_number<int64_t>("generate: --initial-noise", text, example);

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "ziplora/base/error.h"
#include "ziplora/base/parse_number.h"
#include "ziplora/lora/adapter_choice.h"

namespace ziplora::cli {

/// An existing file of the whole name wins: if "ink:0.8" is a file, it is taken without a number.
/// @param where    verb and flag, opens the error message
/// @param example  a valid value, for the hint
/// @throws Error(kUsage) if what follows the last colon is not a number
template <class Number>
std::pair<std::filesystem::path, std::optional<Number>> split_number(const std::string& where,
                                                                     const std::string& text,
                                                                     const std::string& example) {
  const size_t colon = text.rfind(':');
  std::error_code ignored;  // an inaccessible name is not a file
  if (colon == std::string::npos || std::filesystem::exists(text, ignored)) return {text, std::nullopt};
  const std::string tail = text.substr(colon + 1);
  const std::optional<Number> number = parse_number<Number>(tail, NonFinite::kTake);
  if (!number)
    throw Error(ErrorKind::kUsage, where + " " + text,
                "'" + tail + "' after the colon is not a number, and no file has the whole name",
                "for example " + where.substr(where.find("--")) + " " + example);
  return {text.substr(0, colon), number};
}

/// @throws Error(kUsage) as split_number, and if the strength is not finite
inline AdapterChoice parse_adapter(const std::string& where, const std::string& text) {
  const std::string example = "cat.safetensors:0.8";
  const auto [file, strength] = split_number<double>(where, text, example);
  if (strength && !std::isfinite(*strength))
    throw Error(ErrorKind::kUsage, where + " " + text, "the strength is not a finite number",
                "for example " + where.substr(where.find("--")) + " " + example);
  return {file, strength.value_or(1.0)};
}

}  // namespace ziplora::cli
