#include "mini/pretrain/training_loop.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/nn/initialization.h"
#include "ziplora/nn/linear.h"

namespace ziplora::mini {
namespace {

/// Linear layers that learn a fixed one, each part from four points of its own.
class Lesson {
 public:
  explicit Lesson(size_t threads) : truth_(at::randn({48, 40}, make_generator(1))) {
    for (size_t i = 0; i < threads; ++i) {
      layers_.push_back(std::make_unique<Linear>(40, 48));
      initialize(*layers_.back(), make_generator(2));
    }
  }

  /// @return the weights after training
  at::Tensor learn(const TrainingPlan& plan, int64_t interrupt_at = -1) {
    NullProgress progress;
    CancelToken cancel;
    std::vector<Replica> replicas;
    for (const auto& layer : layers_)
      replicas.push_back({{{"layer", layer.get()}}, [&, at = layer.get()](int64_t iteration, int64_t part) {
                            if (iteration == interrupt_at) cancel.cancel();
                            const at::Tensor x = at::randn(
                                {4, 40}, make_generator(static_cast<uint64_t>(100 * iteration + part)));
                            const at::Tensor y = at->forward(x.to(plan.working_dtype)).to(at::kFloat);
                            const at::Tensor loss = at::mse_loss(y, x.matmul(truth_.t()));
                            last_loss = loss.item<double>();
                            return TrainingStep{loss, {}};
                          }});
    train_stage(
        plan, replicas, /*parts=*/4, [](int64_t) {}, progress, cancel);
    return layers_.front()->weight.detach().clone();
  }

  std::atomic<double> last_loss = 0;  // of whichever thread was last

 private:
  at::Tensor truth_;
  std::vector<std::unique_ptr<Linear>> layers_;
};

TrainingPlan plan(const TemporaryFolder& folder, bool muon, at::ScalarType working_dtype = at::kFloat) {
  TrainingPlan plan;
  plan.name = "lesson";
  plan.run_folder = folder.path();
  plan.iterations = 60;
  plan.warmup_iterations = 5;
  plan.lr = 0.1;
  plan.muon = muon;
  plan.working_dtype = working_dtype;
  return plan;
}

TEST(TrainingLoop, ItLearns) {
  for (const bool muon : {false, true}) {
    TemporaryFolder folder;
    Lesson lesson(1);
    lesson.learn(plan(folder, muon));
    EXPECT_LT(lesson.last_loss.load(), 20) << "from about 40, muon " << muon;
  }
}

TEST(TrainingLoop, HowManyThreadsShareABatchDoesNotShow) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    TemporaryFolder alone, shared;
    Lesson one(1), three(3);
    EXPECT_TRUE(at::equal(one.learn(plan(alone, true, dtype)), three.learn(plan(shared, true, dtype))))
        << dtype;
  }
}

TEST(TrainingLoop, AnInterruptedStageEndsAsIfItHadNotStopped) {
  for (const bool muon : {false, true}) {
    TemporaryFolder whole, halves;
    const at::Tensor expected = Lesson(1).learn(plan(whole, muon));
    try {
      Lesson(2).learn(plan(halves, muon), /*interrupt_at=*/23);
      FAIL() << "not interrupted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
    }
    EXPECT_TRUE(at::equal(Lesson(2).learn(plan(halves, muon)), expected)) << "muon " << muon;
  }
}

TEST(TrainingLoop, DivergenceIsToldWithTheFlagOfItsRate) {
  TemporaryFolder folder;
  TrainingPlan diverging = plan(folder, /*muon=*/false);
  diverging.lr = 1e30;  // its square is no float32
  const auto hint = [&] {
    try {
      Lesson(1).learn(diverging);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
      return error.hint();
    }
    return std::string();
  };
  EXPECT_NE(hint().find("another --seed"), std::string::npos) << hint();
  diverging.lr_flag = "--unet-learning-rate";
  EXPECT_NE(hint().find("a lower --unet-learning-rate (it was 1e+30)"), std::string::npos) << hint();
}

}  // namespace
}  // namespace ziplora::mini
