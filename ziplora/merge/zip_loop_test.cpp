#include "ziplora/merge/zip_loop.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"
#include "ziplora/nn/linear.h"
#include "ziplora/team/thread_team_fixture.h"

namespace ziplora {
namespace {

constexpr int64_t kWidth = 6, kContexts = 2, kRowsEach = 4, kIterations = 3;

struct TwoLayers : Module {
  TwoLayers() {
    register_module("to_q", to_q);
    register_module("to_out", to_out);
    at::Generator generator = make_generator(7);
    initialize(*this, generator);
    for_each_parameter([](const std::string&, Parameter& parameter) {
      *parameter.tensor = parameter.tensor->detach().to(at::kDouble);
    });
  }
  at::Tensor forward(const at::Tensor& x) const { return to_out.forward(to_q.forward(x).tanh()); }
  Linear to_q{kWidth, kWidth}, to_out{kWidth, kWidth};
};

Adapter random_adapter(uint64_t seed) {
  at::Generator generator = make_generator(seed);
  Adapter adapter;
  for (const char* target : {"unet.to_q", "unet.to_out"})
    adapter.layers[target] = {at::randn({2, kWidth}, generator, at::kDouble),
                              at::randn({kWidth, 2}, generator, at::kDouble), std::nullopt};
  return adapter;
}

/// The rows of each context from `first` on, in float64.
ZipBatch batch_of(int64_t iteration, int64_t first, int64_t count) {
  at::Generator generator = make_generator(100 + static_cast<uint64_t>(iteration));
  std::vector<at::Tensor> rows;
  for (int64_t c = 0; c < kContexts; ++c)
    rows.push_back(at::randn({kRowsEach, kWidth}, generator, at::kDouble).narrow(0, first, count));
  return {at::cat(rows), {}, {}, {}};
}

/// What a process has: model, adapters, coefficients, Adam.
struct Learner {
  Learner()
      : coefficients(MergerLayout({&adapters[0], &adapters[1]}, [](const std::string&) { return true; }),
                     at::kDouble) {
    objective = std::make_unique<ZipObjective>(
        Components{{"unet", &model}}, std::vector<AdapterTerm>{{&adapters[0], 1.0}, {&adapters[1], 0.5}},
        coefficients,
        [this](const at::Tensor& x, const at::Tensor&, const UNetConditioning&) { return model.forward(x); },
        ZipObjectiveOptions{.overlap_weight = 0.3});
    optimizer = std::make_unique<Adam>(std::vector<at::Tensor>{coefficients.values}, AdamOptions{.lr = 0.01});
  }
  at::Tensor learn(const std::function<ZipBatch(int64_t)>& draw, Team& team = nobody_else()) {
    learn_coefficients(
        *objective, *optimizer, draw, 0, {.iterations = kIterations},
        [](int64_t, const ZipLosses&) { return true; }, team);
    return coefficients.values.detach();
  }
  TwoLayers model;
  std::vector<Adapter> adapters{random_adapter(1), random_adapter(2)};
  MergerCoefficients coefficients;
  std::unique_ptr<ZipObjective> objective;
  std::unique_ptr<Adam> optimizer;
};

std::vector<at::Tensor> learned_by_two() {
  std::vector<at::Tensor> learned(2);
  run_as_team(2, [&](Team& team) {
    Learner learner;
    learned[static_cast<size_t>(team.place())] = learner.learn(
        [&](int64_t i) { return batch_of(i, team.first_of(kRowsEach), kRowsEach / team.size()); }, team);
  });
  return learned;
}

/// The same sums in the same order: a process that takes the shares of the batch one after the other.
TEST(ZipLoop, OfTwoProcessesIsThatOfOneBitForBitWhereSumsAreOrderedAlike) {
  Learner alone;
  for (int64_t i = 0; i < kIterations; ++i) {
    alone.objective->backward(batch_of(i, 0, kRowsEach / 2));
    const at::Tensor first = alone.coefficients.values.grad().clone();
    alone.objective->backward(batch_of(i, kRowsEach / 2, kRowsEach / 2));
    {
      const at::NoGradGuard no_grad;
      alone.coefficients.values.mutable_grad() = (first + alone.coefficients.values.grad()) / 2;
    }
    alone.optimizer->step();
  }
  for (const at::Tensor& learned : learned_by_two())
    EXPECT_TRUE(learned.equal(alone.coefficients.values.detach()));
}

TEST(ZipLoop, OfTwoProcessesIsThatOfOneWithTheBatchOfBoth) {
  Learner alone;
  const at::Tensor whole = alone.learn([](int64_t i) { return batch_of(i, 0, kRowsEach); });
  EXPECT_GT((whole - 1).abs().max().item<double>(), 0.01);  // it has learned
  for (const at::Tensor& learned : learned_by_two())
    EXPECT_LT((learned - whole).norm().item<double>() / whole.norm().item<double>(), 1e-12);
}

}  // namespace
}  // namespace ziplora
