#pragma once
/// The processes that share one job, one on each machine: they split its batches and add up what they find. A process
/// that nobody started with others is a team of one, which costs nothing.
///
///     const std::unique_ptr<Team> team = join_team(process_environment(), cancel, "merge");
///     team->average({gradient});                       // over all processes, in place
///     if (team->leads()) write_lora(…);                // the others write nothing
///     team->wait_for_all();
///
/// Every process calls the same functions in the same order. Where one fails, the others get its error at their next
/// call, so that the leader can save what it has. Processes and messages are MPI's (mpi_team.cpp).

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/engine_shard.h"
#include "ziplora/base/error.h"

namespace ziplora {

class Team {
 public:
  virtual ~Team() = default;
  virtual int64_t size() const { return 1; }
  /// 0 … size() − 1
  virtual int64_t place() const { return 0; }
  bool is_alone() const { return size() == 1; }
  bool leads() const { return place() == 0; }

  /// Of things that are done one by one: whether this process does number i.
  bool takes(int64_t i) const { return i % size() == place(); }
  /// Of rows that lie in one tensor: the first of this process's `rows / size()`.
  int64_t first_of(int64_t rows) const { return rows / size() * place(); }

  /// Replaces each tensor by its sum over all processes, in place. They have the same shapes everywhere, in float32,
  /// float64 or int64, on any device.
  /// @throws the error of a process that failed; Error(kInterrupted) where one was, or the leader is while it waits
  virtual void sum(const std::vector<at::Tensor>& tensors) { static_cast<void>(tensors); }
  /// The same for the mean.
  void average(const std::vector<at::Tensor>& tensors);
  /// @throws as sum
  void wait_for_all() { sum({}); }

  /// Tells the others that this process ends with an error, and where they fail, too, agrees who says so.
  /// @return whether it is this process that should say it
  virtual bool leave(const Error& error) {
    static_cast<void>(error);
    return true;
  }
};

/// @param cancel  outlives the team
/// @param where   opens messages
/// @throws Error(kUsage) if processes were started together, but this program was built without MPI
std::unique_ptr<Team> join_team(const Environment& environment, const CancelToken& cancel,
                                const std::string& where);

/// The team of one.
Team& nobody_else();

/// Whether mpirun, or srun with MPI, started this process.
bool is_started_by_mpi(const Environment& environment);

/// For a batch that does not split.
/// @param rows  of all processes together
/// @throws Error(kUsage)
void require_shares(const Team& team, int64_t rows, const std::string& where);

}  // namespace ziplora
