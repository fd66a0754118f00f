#pragma once
/// Numbers of flags are read by base/parse_number.h. CLI11 alone takes "nan" for a guidance scale and "010" for 8.
///
///     read_numbers_exactly(verb);   // once its flags are declared

#include <CLI/App.hpp>

namespace ziplora::cli {

/// Makes every flag of type INT, UINT or FLOAT refuse what is not a finite decimal number.
void read_numbers_exactly(CLI::App& verb);

}  // namespace ziplora::cli
