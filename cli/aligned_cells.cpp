#include "cli/aligned_cells.h"

#include <algorithm>

#include "ziplora/base/utf8.h"

namespace ziplora::cli {

std::string aligned_cells(const Cells& cells) {
  std::vector<size_t> widths(cells.front().size(), 0);
  for (const auto& row : cells)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], count_characters(row[i]));
  std::string text;
  for (const auto& row : cells) {
    std::string line = "  ";
    for (size_t i = 0; i < row.size(); ++i)
      line += row[i] + std::string(i + 1 < row.size() ? widths[i] - count_characters(row[i]) + 2 : 0, ' ');
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace ziplora::cli
