#pragma once
/// The part that the engine has given this process, read from the variables that the engine sets: of Slurm's job
/// arrays and steps, of Kubernetes' indexed jobs, and of what starts MPI programs. Starting, retrying and requeueing
/// parts are the engine's.
///
///     if (const auto given = shard_of_engine(process_environment(), "evaluate")) draw(given->shard);
///
/// A job of an array may start several processes: then the part is one of jobs × processes. A single process or job
/// is no part. What Slurm sets was observed in its version 22.05 (docs/scale.md).

#include <functional>
#include <optional>
#include <string>

#include "ziplora/base/shard.h"

namespace ziplora {

/// A variable's text; nothing if it is not set, or empty.
using Environment = std::function<std::optional<std::string>(const std::string& variable)>;
Environment process_environment();

struct EngineShard {
  Shard shard;
  std::string source;  ///< "SLURM_ARRAY_TASK_ID=6 of 2-8:2 (Slurm array)"
};

/// @param where  opens the message
/// @return nothing without an engine, or where the engine runs one process alone
/// @throws Error(kUsage) where the variables do not say which part of how many this is
std::optional<EngineShard> shard_of_engine(const Environment& environment, const std::string& where);

}  // namespace ziplora
