#include "ziplora/base/engine_shard.h"

#include <fmt/format.h>

#include <cstdlib>

#include "ziplora/base/error.h"
#include "ziplora/base/parse_number.h"

namespace ziplora {
namespace {

constexpr const char* kSayIt = "say which part this is, as 1/4, in place of the engine";

/// Its numbers, and what is wrong with them.
class Variables {
 public:
  Variables(const Environment& environment, const std::string& where)
      : environment_(environment), where_(where) {}

  bool has(const char* name) const { return environment_(name).has_value(); }
  int64_t number(const char* name) const {
    const std::optional<std::string> text = environment_(name);
    const std::optional<int64_t> value = text ? parse_number<int64_t>(*text) : std::nullopt;
    if (!value) throw refused(fmt::format("{} is '{}': expected a whole number", name, text.value_or("")));
    return *value;
  }
  Error refused(const std::string& problem, const std::string& hint = kSayIt) const {
    return {ErrorKind::kUsage, where_, problem, hint};
  }

 private:
  const Environment& environment_;
  const std::string& where_;
};

/// As engines count, from 0.
struct Place {
  int64_t index, count;
  std::string source;
};

/// COUNT alone would do for an array that begins at 0. A list of tasks, as 1,2,5, has a step of 1, too: nothing says which
/// of them this is.
Place of_slurm_array(const Variables& of) {
  const int64_t id = of.number("SLURM_ARRAY_TASK_ID"), count = of.number("SLURM_ARRAY_TASK_COUNT"),
                first = of.number("SLURM_ARRAY_TASK_MIN"), last = of.number("SLURM_ARRAY_TASK_MAX"),
                step = of.number("SLURM_ARRAY_TASK_STEP");
  const std::string tasks = fmt::format("{}-{}:{}", first, last, step);
  if (step < 1 || (last - first) / step + 1 != count || (id - first) % step != 0)
    throw of.refused(
        fmt::format(
            "Slurm's array of {} tasks, {} first and {} last, has gaps, so that task {} may be any part",
            count, first, last, id),
        "submit the array as a range such as 0-3; or say which part this is, as 1/4");
  return {(id - first) / step, count, fmt::format("SLURM_ARRAY_TASK_ID={} of {}", id, tasks)};
}

Place of_kubernetes(const Variables& of) {
  constexpr const char *kIndex = "JOB_COMPLETION_INDEX", *kCount = "ZIPLORA_SHARDS";
  if (!of.has(kCount))
    throw of.refused(
        fmt::format("{} is {}, but Kubernetes does not say of how many", kIndex, of.number(kIndex)),
        fmt::format("set {} to the job's completions; or {}", kCount, kSayIt));
  return {of.number(kIndex), of.number(kCount),
          fmt::format("{}={} of {}", kIndex, of.number(kIndex), of.number(kCount))};
}

Place counted(const Variables& of, const char* index, const char* count) {
  return {of.number(index), of.number(count),
          fmt::format("{}={} of {}", index, of.number(index), of.number(count))};
}

struct Engine {
  const char* name;
  enum class Counts { kJobs, kProcesses } counts;
  std::array<const char*, 2> variables;  ///< both are set; the first and the second may be one
  Place (*place)(const Variables&);
};

/// Of jobs and of processes, the first that is there counts. What Open MPI starts inherits the variables of the step that
/// its daemon is, and PMI is also how Slurm's steps tell MPI. A batch script, too, has SLURM_PROCID and SLURM_NTASKS, but
/// no SLURM_STEP_NUM_TASKS.
constexpr Engine kEngines[] = {
    {"Slurm array", Engine::Counts::kJobs, {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_ID"}, of_slurm_array},
    {"Kubernetes", Engine::Counts::kJobs, {"JOB_COMPLETION_INDEX", "JOB_COMPLETION_INDEX"}, of_kubernetes},
    {"Open MPI",
     Engine::Counts::kProcesses,
     {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
     [](const Variables& of) { return counted(of, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"); }},
    {"PMI",
     Engine::Counts::kProcesses,
     {"PMI_RANK", "PMI_SIZE"},
     [](const Variables& of) { return counted(of, "PMI_RANK", "PMI_SIZE"); }},
    {"Slurm step",
     Engine::Counts::kProcesses,
     {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},
     [](const Variables& of) { return counted(of, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"); }},
};

Place place_among(Engine::Counts counted, const Variables& of) {
  for (const Engine& engine : kEngines) {
    if (engine.counts != counted || !of.has(engine.variables[0]) || !of.has(engine.variables[1])) continue;
    Place place = engine.place(of);
    if (place.index < 0 || place.index >= place.count)
      throw of.refused(fmt::format("{}: there is no such place ({})", place.source, engine.name));
    place.source += fmt::format(" ({})", engine.name);
    return place;
  }
  return {0, 1, {}};
}

}  // namespace

Environment process_environment() {
  return [](const std::string& variable) -> std::optional<std::string> {
    const char* text = std::getenv(variable.c_str());
    return text && *text ? std::optional<std::string>(text) : std::nullopt;
  };
}

std::optional<EngineShard> shard_of_engine(const Environment& environment, const std::string& where) {
  const Variables of(environment, where);
  const Place job = place_among(Engine::Counts::kJobs, of),
              process = place_among(Engine::Counts::kProcesses, of);
  const Shard shard{job.index * process.count + process.index + 1, job.count * process.count};
  if (shard.is_whole()) return std::nullopt;
  const bool both = job.count > 1 && process.count > 1;
  return EngineShard{
      shard, both ? job.source + ", " + process.source : (job.count > 1 ? job.source : process.source)};
}

}  // namespace ziplora
