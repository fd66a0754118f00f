#pragma once
/// The one way from text to a number: the whole text in decimal, or nothing. The C library's functions read "9abc"
/// as 9, "010" as 8 and "1e3" as 1, and take "nan" and spaces.
///
///     parse_number<int64_t>("12");    // 12
///     parse_number<int64_t>("1e3");   // nothing: this is a real number's notation
///     parse_number<double>("1e3");    // 1000.0

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <type_traits>

namespace ziplora {

enum class NonFinite { kRefuse, kTake };

/// @param non_finite  whether "inf" and "nan" are numbers, for whoever has words of its own for them
/// @return nothing if any character is not of the number, or its value does not fit
template <class Number>
std::optional<Number> parse_number(std::string_view text, NonFinite non_finite = NonFinite::kRefuse) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>)
    if (non_finite == NonFinite::kRefuse && !std::isfinite(number)) return std::nullopt;
  return number;
}

}  // namespace ziplora
