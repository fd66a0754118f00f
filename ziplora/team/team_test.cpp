#include "ziplora/team/team.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "ziplora/team/thread_team_fixture.h"

namespace ziplora {
namespace {

Environment environment_of(const std::map<std::string, std::string>& variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(Team, OfOneAddsNothing) {
  Team& alone = nobody_else();
  const at::Tensor values = at::full({3}, 2.0);
  alone.sum({values});
  alone.average({values});
  EXPECT_TRUE(values.equal(at::full({3}, 2.0)));
  EXPECT_TRUE(alone.is_alone() && alone.leads() && alone.takes(7) && alone.first_of(8) == 0);
}

TEST(Team, AddsAndAverages) {
  std::atomic<int> right = 0;
  run_as_team(3, [&](Team& team) {
    at::Tensor sum = at::full({2}, static_cast<double>(team.place()), at::kDouble), mean = sum.clone();
    team.sum({sum});
    team.average({mean});
    right += sum.equal(at::full({2}, 3.0, at::kDouble)) && mean.equal(at::full({2}, 1.0, at::kDouble));
  });
  EXPECT_EQ(right, 3);
}

TEST(Team, SharesEachThingOnce) {
  std::atomic<int64_t> taken = 0, rows = 0;
  run_as_team(3, [&](Team& team) {
    for (int64_t i = 0; i < 8; ++i) taken += team.takes(i) ? 1 << i : 0;
    rows += 1 << team.first_of(6);
  });
  EXPECT_EQ(taken, 255);
  EXPECT_EQ(rows, 0b10101);
}

TEST(Team, RefusesABatchThatDoesNotSplit) {
  run_as_team(2, [&](Team& team) {
    EXPECT_NO_THROW(require_shares(team, 4, "test"));
    EXPECT_THROW(require_shares(team, 5, "test"), Error);
  });
}

TEST(Team, IsThatOfMpirunAndOfSrunWithMpi) {
  EXPECT_FALSE(is_started_by_mpi(environment_of({})));
  EXPECT_FALSE(is_started_by_mpi(environment_of({{"OMPI_COMM_WORLD_SIZE", "1"}})));
  EXPECT_FALSE(is_started_by_mpi(environment_of({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}})));
  EXPECT_TRUE(is_started_by_mpi(environment_of({{"OMPI_COMM_WORLD_SIZE", "2"}})));
  EXPECT_TRUE(is_started_by_mpi(environment_of({{"PMI_SIZE", "2"}})));
  EXPECT_TRUE(is_started_by_mpi(environment_of({{"PMIX_RANK", "0"}})));
}

}  // namespace
}  // namespace ziplora
