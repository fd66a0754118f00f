// The stand-in computes what the CPU does, and refuses what a GPU would refuse.
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

TEST(FakeCuda, ComputesAsTheCpuDoes) {
  at::Generator generator = make_generator(1);
  const at::Tensor a = at::randn({3, 4}, generator), b = at::randn({4, 2}, generator);
  const at::Tensor on_device = a.to(at::kCUDA).matmul(b.to(at::kCUDA)).softmax(1).t().contiguous();
  EXPECT_TRUE(on_device.is_cuda());
  EXPECT_TRUE(at::equal(on_device.cpu(), a.matmul(b).softmax(1).t()));
}

TEST(FakeCuda, ViewsShareMemory) {
  const at::Tensor a = at::ones({2, 3}, at::kCUDA);
  a.t()[1].fill_(5);
  EXPECT_EQ(a.cpu().sum().item<float>(), 14);
}

TEST(FakeCuda, GradientsFlow) {
  const at::Tensor a = at::ones({2, 3}, at::TensorOptions(at::kCUDA)).set_requires_grad(true);
  (a * a).sum().backward();
  EXPECT_TRUE(a.grad().is_cuda());
  EXPECT_EQ(a.grad().cpu().sum().item<float>(), 12);
}

TEST(FakeCuda, RefusesMixedDevices) {
  const at::Tensor here = at::ones({2}), there = here.to(at::kCUDA);
  EXPECT_THROW(here + there, c10::Error);
  EXPECT_THROW(there.add_(here), c10::Error);
  EXPECT_THROW(at::cat({there, here}), c10::Error);
  EXPECT_THROW(here.matmul(there), c10::Error);
  EXPECT_NO_THROW(there * at::ones({}));
}

TEST(FakeCuda, RefusesTheCpusGenerator) {
  EXPECT_THROW(at::randn({2}, make_generator(1), at::TensorOptions(at::kCUDA)), c10::Error);
}

}  // namespace
}  // namespace ziplora
