#include "cli/frame/stage_log.h"

#include <gtest/gtest.h>

#include <vector>

#include "ziplora/base/peak_memory.h"

namespace ziplora::cli {
namespace {

TEST(StageLog, KeepsSecondsAndPeaksInOrderOfTheFirstBeginning) {
  NullProgress progress;
  StageLog log(progress);
  {
    Stage outer(log, "train", 1);
    { Stage inner(log, "denoise", 1); }
    const std::vector<char> held(size_t{64} << 20, 'x');  // after the inner stage's end
    ASSERT_EQ(held.back(), 'x');
  }
  { Stage again(log, "denoise", 1); }
  const nlohmann::json stages = log.to_json();
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[0]["stage"], "train");
  EXPECT_EQ(stages[0]["times"], 1);
  EXPECT_EQ(stages[1]["stage"], "denoise");
  EXPECT_EQ(stages[1]["times"], 2);
  EXPECT_GE(stages[0]["peak_memory_bytes"], int64_t{64} << 20);
  EXPECT_LE(stages[1]["peak_memory_bytes"], peak_memory_bytes());
  EXPECT_GE(stages[0]["seconds"], 0.0);
}

TEST(StageLog, PassesEverythingOn) {
  struct Heard : NullProgress {
    void note(const std::string& text) override { words += text; }
    void warning(const std::string& text) override { words += text; }
    void step_finished(const std::string& stage, int64_t step, int64_t, const Metrics&) override {
      words += stage + std::to_string(step);
    }
    void stage_started(const std::string& stage, int64_t) override { words += "<" + stage; }
    void stage_finished(const std::string& stage, double) override { words += stage + ">"; }
    std::string words;
  } heard;
  StageLog log(heard);
  {
    Stage stage(log, "zip", 2);
    stage.step();
    log.note("n");
    log.warning("w");
  }
  EXPECT_EQ(heard.words, "<zipzip1nwzip>");
}

}  // namespace
}  // namespace ziplora::cli
