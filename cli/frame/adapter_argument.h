#pragma once
/// "cat.safetensors:0.8": a file and a number that goes with it. The one place that reads such arguments.
///
///     const AdapterChoice cat = parse_adapter("generate: --adapter", "cat.safetensors:0.8");   // strength 0.8
///     const auto [file, row] = split_number<int64_t>("generate: --initial-noise", text, "noise.safetensors:0");

#include <CLI/TypeTools.hpp>

#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "ziplora/base/error.h"
#include "ziplora/lora/adapter_choice.h"

namespace ziplora::cli {

/// A file of the whole name wins: one that is called "ink:0.8" is that file, at strength 1.
/// @param where    verb and flag, for the message
/// @param example  what would be right, for the hint
/// @throws Error(kUsage) if what follows the last colon is not a number
template <class Number>
std::pair<std::filesystem::path, std::optional<Number>> split_number(const std::string& where,
                                                                     const std::string& text,
                                                                     const std::string& example) {
  const size_t colon = text.rfind(':');
  std::error_code ignored;  // a name that cannot be looked at is not a file
  if (colon == std::string::npos || std::filesystem::exists(text, ignored)) return {text, std::nullopt};
  const std::string tail = text.substr(colon + 1);
  Number number{};
  if (!CLI::detail::lexical_cast(tail, number))
    throw Error(ErrorKind::kUsage, where + " " + text,
                "'" + tail + "' after the colon is not a number, and there is no file of the whole name",
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
