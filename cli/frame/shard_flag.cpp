#include "cli/frame/shard_flag.h"

#include <fmt/format.h>

#include "ziplora/base/engine_shard.h"

namespace ziplora::cli {

std::string shard_help(const std::string& part) {
  return part + "; default: the part that Slurm, Kubernetes or mpirun gives (docs/scale.md), else 1/1";
}

Shard shard_of(const std::string& text, const std::string& where, ProgressSink& progress) {
  if (!text.empty()) return parse_shard(text, where);
  const auto given = shard_of_engine(process_environment(), where);
  if (!given) return {};
  progress.note(fmt::format("part {} of {}: {}", given->shard.number, given->shard.count, given->source));
  return given->shard;
}

}  // namespace ziplora::cli
