#pragma once
/// Reads a table of comma-separated values with a head line (RFC 4180).
///
///     for (const auto& row : csv_rows(read_file("images.csv"))) row.at("contender");

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ziplora::studio {

/// Each row by the names of its columns. A line with fewer or more fields than the head is left out.
std::vector<std::map<std::string, std::string>> csv_rows(std::string_view text);

}  // namespace ziplora::studio
