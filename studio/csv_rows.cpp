#include "studio/csv_rows.h"

namespace ziplora::studio {
namespace {

/// The fields of the line at the front of `text`, which is taken off. In quotes, commas and line ends are of the field, and two
/// quotes are one.
std::vector<std::string> take_line(std::string_view& text) {
  std::vector<std::string> fields(1);
  bool is_quoted = false;
  size_t at = 0;
  for (; at < text.size(); ++at) {
    const char character = text[at];
    if (character == '"') {
      const bool is_double = is_quoted && at + 1 < text.size() && text[at + 1] == '"';
      if (is_double)
        fields.back() += text[++at];
      else
        is_quoted = !is_quoted;
    } else if (character == ',' && !is_quoted) {
      fields.emplace_back();
    } else if (character == '\n' && !is_quoted) {
      ++at;
      break;
    } else if (character != '\r' || is_quoted) {
      fields.back() += character;
    }
  }
  text.remove_prefix(at);
  return fields;
}

}  // namespace

std::vector<std::map<std::string, std::string>> csv_rows(std::string_view text) {
  std::vector<std::map<std::string, std::string>> rows;
  const std::vector<std::string> head = take_line(text);
  while (!text.empty()) {
    std::vector<std::string> fields = take_line(text);
    if (fields.size() != head.size()) continue;
    std::map<std::string, std::string>& row = rows.emplace_back();
    for (size_t i = 0; i < head.size(); ++i) row[head[i]] = std::move(fields[i]);
  }
  return rows;
}

}  // namespace ziplora::studio
