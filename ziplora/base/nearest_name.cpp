#include "ziplora/base/nearest_name.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ziplora {
namespace {

// Optimal string alignment distance (Damerau–Levenshtein without repeated edits of the same place).
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) distance[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) distance[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t best = distance[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      best = std::min({best, distance[i - 1][j] + 1, distance[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, distance[i - 2][j - 2] + 1);
      distance[i][j] = best;
    }
  }
  return distance[a.size()][b.size()];
}

}  // namespace

std::optional<std::string> nearest_name(const std::string& name, const std::vector<std::string>& known) {
  std::optional<std::string> nearest;
  size_t least = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < least) least = distance, nearest = candidate;
  }
  return nearest;
}

Error unknown_name(const std::string& where, const std::string& name, const std::vector<std::string>& known) {
  std::string problem = fmt::format("there is no '{}'; known: {}", name, fmt::join(known, ", "));
  const std::optional<std::string> nearest = nearest_name(name, known);
  return Error(ErrorKind::kUsage, where, problem,
               nearest ? fmt::format("did you mean '{}'?", *nearest) : "choose one of these names");
}

}  // namespace ziplora
