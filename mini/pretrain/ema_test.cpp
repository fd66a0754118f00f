#include "mini/pretrain/ema.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

namespace ziplora::mini {
namespace {

TEST(Ema, WarmsUpToItsDecay) {
  const at::Tensor parameter = at::full({2}, 1.0, at::kDouble);
  Ema ema({parameter}, 0.3);
  double expected = 1.0;
  const double decays[] = {2.0 / 11, 3.0 / 12, 0.3}, values[] = {4.0, -2.0, 8.0};  // 4/13 is above the decay
  for (int n = 0; n < 3; ++n) {
    parameter.fill_(values[n]);
    ema.update();
    expected = decays[n] * expected + (1 - decays[n]) * values[n];
    EXPECT_NEAR(ema.averages()[0][1].item<double>(), expected, 1e-14) << "update " << n + 1;
  }
}

TEST(Ema, SwapsTheAverageInAndOutAgain) {
  const at::Tensor parameter = at::full({1}, 1.0, at::kDouble);
  Ema ema({parameter}, 0.9);
  parameter.fill_(12.0);
  ema.update();
  ema.swap();
  EXPECT_NEAR(parameter.item<double>(), 10.0, 1e-14);  // 2/11 · 1 + 9/11 · 12
  ema.swap();
  EXPECT_EQ(parameter.item<double>(), 12.0);
}

TEST(Ema, RestoredGoesOnAsIfItHadNotStopped) {
  const at::Tensor parameter = at::full({1}, 1.0, at::kDouble);
  Ema whole({parameter}, 0.9);
  parameter.fill_(5.0);
  whole.update();
  Ema resumed({parameter}, 0.9);
  resumed.restore(whole.averages(), 1);
  parameter.fill_(-3.0);
  whole.update();
  resumed.update();
  EXPECT_EQ(resumed.averages()[0].item<double>(), whole.averages()[0].item<double>());
}

}  // namespace
}  // namespace ziplora::mini
