// join_team of a program without MPI.
#include "ziplora/team/team.h"

namespace ziplora {

std::unique_ptr<Team> join_team(const Environment& environment, const CancelToken&,
                                const std::string& where) {
  if (!is_started_by_mpi(environment)) return std::make_unique<Team>();
  throw Error(
      ErrorKind::kUsage, where,
      "several processes were started together, but this program was built without MPI, and each would "
      "do and write the same",
      "build it from a clone where libopenmpi-dev is installed, or start one process");
}

}  // namespace ziplora
