#include "cli/frame/exact_numbers.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "ziplora/base/parse_number.h"

namespace ziplora::cli {
namespace {

/// Rewrites the text so that CLI11 reads the same number: without a leading zero, which it takes for octal.
template <class Number>
CLI::Validator exact_number(const char* expected) {
  return {[expected](std::string& text) {
            const auto number = parse_number<Number>(text);
            if (!number) return fmt::format("'{}' is not {}", text, expected);
            if constexpr (std::is_integral_v<Number>) text = fmt::format("{}", *number);
            return std::string();
          },
          ""};
}

}  // namespace

void read_numbers_exactly(CLI::App& verb) {
  for (CLI::Option* option : verb.get_options()) {
    const std::string type = option->get_type_name();
    if (type.starts_with("INT"))
      option->transform(exact_number<int64_t>("a whole number"));
    else if (type.starts_with("UINT"))
      option->transform(exact_number<uint64_t>("a whole number of at least 0"));
    else if (type.starts_with("FLOAT"))
      option->transform(exact_number<double>("a finite number"));
  }
}

}  // namespace ziplora::cli
