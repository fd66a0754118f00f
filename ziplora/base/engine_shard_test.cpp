#include "ziplora/base/engine_shard.h"

#include <gtest/gtest.h>

#include <map>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

using Setting = std::map<std::string, std::string>;

/// "3/4", "" for none, or "refused".
std::string part_in(const Setting& variables) {
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  try {
    const auto given = shard_of_engine(environment, "test");
    return given ? std::to_string(given->shard.number) + "/" + std::to_string(given->shard.count) : "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_FALSE(error.hint().empty());
    return "refused";
  }
}

/// The variables that Slurm 22.05 sets.
Setting array(const std::string& id, const std::string& first, const std::string& last,
              const std::string& step, const std::string& count) {
  return {{"SLURM_ARRAY_TASK_ID", id},
          {"SLURM_ARRAY_TASK_MIN", first},
          {"SLURM_ARRAY_TASK_MAX", last},
          {"SLURM_ARRAY_TASK_STEP", step},
          {"SLURM_ARRAY_TASK_COUNT", count},
          {"SLURM_PROCID", "0"},
          {"SLURM_NTASKS", "2"}};
}

Setting step_of(const std::string& process, const std::string& processes) {
  return {{"SLURM_PROCID", process}, {"SLURM_STEP_NUM_TASKS", processes}};
}

Setting both(Setting first, const Setting& second) {
  for (const auto& [name, value] : second) first[name] = value;
  return first;
}

TEST(EngineShard, IsThatOfTheArrayWhereverItBegins) {
  EXPECT_EQ(part_in(array("0", "0", "3", "1", "4")), "1/4");
  EXPECT_EQ(part_in(array("3", "1", "4", "1", "4")), "3/4");
  EXPECT_EQ(part_in(array("6", "2", "8", "2", "4")), "3/4");  // --array=2-8:2
  EXPECT_EQ(part_in(array("0", "0", "9", "3", "4")), "1/4");
  EXPECT_EQ(part_in(array("9", "0", "9", "3", "4")), "4/4");
}

TEST(EngineShard, OfAListOfTasksIsRefused) {
  EXPECT_EQ(part_in(array("5", "1", "7", "1", "3")), "refused");  // --array=1,5,7
  EXPECT_EQ(part_in(array("2", "1", "7", "1", "3")), "refused");  // --array=1,2,7
  EXPECT_EQ(part_in(array("4", "4", "4", "1", "1")), "");         // --array=4
}

TEST(EngineShard, IsThatOfEachEngine) {
  EXPECT_EQ(part_in({}), "");
  EXPECT_EQ(part_in({{"JOB_COMPLETION_INDEX", "2"}, {"ZIPLORA_SHARDS", "8"}}), "3/8");
  EXPECT_EQ(part_in({{"JOB_COMPLETION_INDEX", "2"}}), "refused");
  EXPECT_EQ(part_in({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}), "2/2");
  EXPECT_EQ(part_in({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}}), "1/2");
  EXPECT_EQ(part_in(step_of("3", "4")), "4/4");
}

TEST(EngineShard, IsNoneOfOneProcess) {
  EXPECT_EQ(part_in(step_of("0", "1")), "");
  EXPECT_EQ(part_in({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}), "");  // a batch script, outside srun
}

TEST(EngineShard, CountsProcessesWithinJobs) {
  EXPECT_EQ(part_in(both(array("2", "0", "3", "1", "4"), step_of("1", "2"))), "6/8");
  // Open MPI's daemon is a step of one task.
  EXPECT_EQ(part_in(both(step_of("0", "1"), {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}})),
            "2/4");
}

TEST(EngineShard, NeedsNumbersThatFit) {
  EXPECT_EQ(part_in({{"PMI_RANK", "2"}, {"PMI_SIZE", "2"}}), "refused");
  EXPECT_EQ(part_in({{"PMI_RANK", "one"}, {"PMI_SIZE", "2"}}), "refused");
}

}  // namespace
}  // namespace ziplora
