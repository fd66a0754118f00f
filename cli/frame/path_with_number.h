#pragma once
/// "cat.safetensors:0.8": a file and a number that goes with it.
///
///     const auto [file, scale] = split_number<double>("generate: --adapter", text, "cat.safetensors:0.8");

#include <CLI/TypeTools.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "ziplora/base/error.h"

namespace ziplora::cli {

/// A colon in the name of an existing file is part of the name.
/// @param where    verb and flag, for the message
/// @param example  what would be right, for the hint
/// @throws Error(kUsage) if what follows the last colon is no number
template <class Number>
std::pair<std::string, std::optional<Number>> split_number(const std::string& where, const std::string& text,
                                                           const std::string& example) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text)) return {text, std::nullopt};
  const std::string tail = text.substr(colon + 1);
  Number number{};
  if (!CLI::detail::lexical_cast(tail, number))
    throw Error(ErrorKind::kUsage, where + " " + text, "'" + tail + "' after the colon is no number",
                "for example " + where.substr(where.find("--")) + " " + example);
  return {text.substr(0, colon), number};
}

}  // namespace ziplora::cli
