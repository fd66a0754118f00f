#include "ziplora/team/team.h"

#include <fmt/format.h>

#include "ziplora/base/parse_number.h"

namespace ziplora {

void Team::average(const std::vector<at::Tensor>& tensors) {
  if (is_alone()) return;
  sum(tensors);
  for (at::Tensor tensor : tensors) tensor.div_(size());
}

Team& nobody_else() {
  static Team alone;
  return alone;
}

bool is_started_by_mpi(const Environment& environment) {
  for (const char* size : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (const auto text = environment(size)) return parse_number<int64_t>(*text).value_or(1) > 1;
  return environment("PMIX_RANK").has_value();
}

void require_shares(const Team& team, int64_t rows, const std::string& where) {
  if (rows % team.size() == 0) return;
  throw Error(ErrorKind::kUsage, where,
              fmt::format("a batch of {} cannot be shared by {} processes", rows, team.size()),
              "go on with as many processes as began it, or with a number that divides the batch");
}

}  // namespace ziplora
