#include "ziplora/strategy/worn_alone.h"

namespace ziplora {

std::vector<size_t> worn_indices(const Strengths& row) {
  std::vector<size_t> indices;
  for (size_t k = 0; k < row.size(); ++k)
    if (row[k] != 0) indices.push_back(k);
  return indices;
}

Strengths worn_alone(const Strengths& row, size_t which) {
  Strengths alone(row.size(), 0.0);
  const size_t index = worn_indices(row).at(which);
  alone[index] = row[index];
  return alone;
}

}  // namespace ziplora
