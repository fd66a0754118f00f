#include "ziplora/merge/zip_objective.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/linear.h"

namespace ziplora {
namespace {

constexpr int64_t kChannels = 3, kSide = 4, kWidth = 5;

// conv → tanh → linear over channels → tanh → linear: every kind of slot, and a nonlinearity between them.
struct SmallModel : Module {
  SmallModel() {
    register_module("conv", conv);
    register_module("to_q", to_q);
    register_module("to_out", to_out);
    at::Generator generator = make_generator(7);
    initialize(*this, generator);
    for_each_parameter([](const std::string&, Parameter& parameter) {
      *parameter.tensor = parameter.tensor->detach().to(at::kDouble);
    });
  }
  at::Tensor forward(const at::Tensor& x) const {
    const at::Tensor rows = conv.forward(x).tanh().permute({0, 2, 3, 1});  // [B, h, w, C]
    return to_out.forward(to_q.forward(rows).tanh()).permute({0, 3, 1, 2});
  }
  Conv2d conv{{.in_channels = kChannels, .out_channels = kChannels, .kernel_size = 3, .padding = 1}};
  Linear to_q{kChannels, kWidth}, to_out{kWidth, kChannels};
};

Adapter random_adapter(uint64_t seed, int64_t rank, bool with_conv) {
  at::Generator generator = make_generator(seed);
  const auto draw = [&](std::vector<int64_t> shape) {
    return at::randn(shape, generator, at::kDouble) * 0.5;
  };
  Adapter adapter;
  adapter.layers["unet.to_q"] = {draw({rank, kChannels}), draw({kWidth, rank}), 2.0};
  adapter.layers["unet.to_out"] = {draw({rank, kWidth}), draw({kChannels, rank}), std::nullopt};
  if (with_conv)
    adapter.layers["unet.conv"] = {draw({rank, kChannels, 3, 3}), draw({kChannels, rank, 1, 1}),
                                   std::nullopt};
  return adapter;
}

bool always(const std::string&) { return true; }

struct Problem {
  explicit Problem(std::vector<Adapter> adapters_,
                   std::function<bool(const std::string&)> is_learned = always,
                   ZipObjectiveOptions options = {}, int64_t rows_each = 2)
      : adapters(std::move(adapters_)), coefficients(layout(is_learned), at::kDouble) {
    std::vector<AdapterTerm> terms;
    for (const Adapter& adapter : adapters) terms.push_back({&adapter, 0.5 + 0.5 * terms.size()});
    objective = std::make_unique<ZipObjective>(
        Components{{"unet", &model}}, terms, coefficients,
        [this](const at::Tensor& x, const at::Tensor&, const UNetConditioning&) { return model.forward(x); },
        options);
    at::Generator generator = make_generator(11);
    const auto contexts = static_cast<int64_t>(adapters.size()) + static_cast<int64_t>(options.joints.size());
    batch.noisy_latents = at::randn({contexts * rows_each, kChannels, kSide, kSide}, generator, at::kDouble);
  }
  MergerLayout layout(const std::function<bool(const std::string&)>& is_learned) const {
    std::vector<const Adapter*> pointers;
    for (const Adapter& adapter : adapters) pointers.push_back(&adapter);
    return MergerLayout(pointers, is_learned);
  }
  void perturb(uint64_t seed) {
    at::NoGradGuard no_grad;
    at::Generator generator = make_generator(seed);
    coefficients.values.add_(at::randn(coefficients.values.sizes(), generator, at::kDouble) * 0.3);
  }
  SmallModel model;
  std::vector<Adapter> adapters;
  MergerCoefficients coefficients;
  std::unique_ptr<ZipObjective> objective;
  ZipBatch batch;
};

// Central differences of the total loss in every coefficient that is learned.
void expect_gradient_matches_differences(Problem& problem) {
  problem.objective->backward(problem.batch);
  const at::Tensor gradient = problem.coefficients.values.grad().clone();
  const double step = 1e-6;
  int checked = 0;
  for (const MergerLayout::Segment& segment : problem.coefficients.layout.segments) {
    for (int64_t k = 0; k < problem.coefficients.layout.adapter_count; ++k) {
      for (int64_t j = segment.offset; j < segment.offset + segment.size; ++j) {
        const auto loss_at = [&](double delta) {
          at::Tensor value = problem.coefficients.values.detach()[k][j];
          const double before = value.item<double>();
          value.fill_(before + delta);
          const double loss = problem.objective->backward(problem.batch).total;
          value.fill_(before);
          return loss;
        };
        if (!segment.held[k]) {
          EXPECT_EQ(gradient[k][j].item<double>(), 0.0);
          continue;
        }
        const double difference = (loss_at(step) - loss_at(-step)) / (2 * step);
        EXPECT_NEAR(gradient[k][j].item<double>(), difference, 1e-7 + 1e-5 * std::abs(difference))
            << segment.target << " adapter " << k << " column " << j;
        ++checked;
      }
    }
  }
  EXPECT_GT(checked, 10);
}

TEST(ZipObjective, GradientEqualsFiniteDifferencesForEveryOverlapReading) {
  for (const OverlapReading& reading : overlap_readings()) {
    SCOPED_TRACE(reading.name);
    Problem problem({random_adapter(1, 2, true), random_adapter(2, 3, false)}, always,
                    {.overlap_weight = 0.3, .overlap = &reading});
    problem.perturb(5);
    expect_gradient_matches_differences(problem);
  }
}

TEST(ZipObjective, GradientEqualsFiniteDifferencesForThreeAdaptersAndSums) {
  Problem problem({random_adapter(1, 2, true), random_adapter(2, 3, true), random_adapter(3, 1, false)},
                  always, {.overlap_weight = 0.3, .fidelity = FidelityReading::kSumSquares});
  problem.perturb(6);
  expect_gradient_matches_differences(problem);
}

TEST(ZipObjective, GradientEqualsFiniteDifferencesWithAJointTermAndTheMeanOverLayers) {
  Problem problem({random_adapter(1, 2, true), random_adapter(2, 3, true)}, always,
                  {.overlap_weight = 0.3, .overlap_over = OverlapOver::kMean, .joints = {{2.5, {0.7, 1.0}}}});
  problem.perturb(7);
  expect_gradient_matches_differences(problem);
}

TEST(ZipObjective, GradientEqualsFiniteDifferencesWithTwoJointTerms) {
  Problem problem({random_adapter(1, 2, true), random_adapter(2, 3, true), random_adapter(3, 1, false)},
                  always,
                  {.overlap_weight = 0.3, .joints = {{2.5, {0.7, 1.0, 0.0}}, {1.5, {0.0, 1.0, 0.7}}}});
  problem.perturb(8);
  expect_gradient_matches_differences(problem);
}

/// Each is to do what the weighted sum by its own shares does.
TEST(ZipObjective, JointTermsHaveTheirOwnShares) {
  const std::vector<Adapter> adapters{random_adapter(1, 2, true), random_adapter(2, 3, true)};
  Problem problem(adapters, always, {.joints = {{1.0, {1.0, 1.0}}, {1.0, {0.7, 1.0}}}});
  const ZipLosses whole = problem.objective->backward(problem.batch);
  EXPECT_LT(whole.fidelity.at(2), 5e-32);
  EXPECT_GT(whole.fidelity.at(3), 1e-4);
  problem.coefficients.values.detach()[0].fill_(0.7);
  const ZipLosses less = problem.objective->backward(problem.batch);
  EXPECT_GT(less.fidelity.at(2), 1e-4);
  EXPECT_LT(less.fidelity.at(3), 5e-32);
}

TEST(ZipObjective, TotalsTheTermsThatItReports) {
  const std::vector<Adapter> adapters{random_adapter(1, 2, true), random_adapter(2, 3, true)};
  const auto losses = [&](OverlapOver over) {
    Problem problem(adapters, always,
                    {.overlap_weight = 0.3, .overlap_over = over, .joints = {{2.5, {0.7, 1.0}}}});
    problem.perturb(7);
    return problem.objective->backward(problem.batch);
  };
  const ZipLosses sum = losses(OverlapOver::kSum), mean = losses(OverlapOver::kMean);
  const double fidelity = sum.fidelity.at(0) + sum.fidelity.at(1) + 2.5 * sum.fidelity.at(2);
  EXPECT_GT(sum.fidelity.at(2), 1e-3);
  EXPECT_NEAR(sum.total, fidelity + 0.3 * sum.overlap, 1e-12);
  EXPECT_NEAR(mean.total, fidelity + 0.3 * mean.overlap / 3, 1e-12);  // conv, to_q, to_out
}

/// With the joint shares of one, the direct merge is what the joint rows are to do.
TEST(ZipObjective, AskForTheWeightedSumUnderTheJointPrompt) {
  const std::vector<Adapter> adapters{random_adapter(1, 2, true), random_adapter(2, 3, true)};
  Problem whole(adapters, always, {.joints = {{1.0, {1.0, 1.0}}}});
  EXPECT_LT(whole.objective->backward(whole.batch).fidelity.at(2), 5e-32);
  Problem less(adapters, always, {.joints = {{1.0, {0.7, 1.0}}}});
  EXPECT_GT(less.objective->backward(less.batch).fidelity.at(2), 1e-4);
  less.coefficients.values.detach()[0].fill_(0.7);
  EXPECT_LT(less.objective->backward(less.batch).fidelity.at(2), 5e-32);
}

TEST(ZipObjective, FoldedAdapterIsTheSlotForward) {
  Problem problem({random_adapter(1, 2, true), random_adapter(2, 3, true)});
  problem.perturb(8);
  at::NoGradGuard no_grad;
  const at::Tensor merged = problem.objective->merged_predictions(problem.batch);
  problem.objective.reset();  // empties the slots

  // By hand, from the folded file: dense ΔW into the weights.
  const Adapter subject = fold_coefficients(problem.adapters[0], problem.coefficients, 0);
  const Adapter style = fold_coefficients(problem.adapters[1], problem.coefficients, 1);
  const Adapter folded = concatenate({{&subject, 0.5}, {&style, 1.0}});
  const auto fuse = [&](const std::string& target, at::Tensor& weight) {
    const LoraLayer& layer = folded.layers.at(target);
    EXPECT_EQ(layer.rank(), 5);
    const at::Tensor delta = layer.up.flatten(1).mm(layer.down.flatten(1)) * layer.scale();
    weight = weight + delta.view(weight.sizes()).to(at::kDouble);
  };
  fuse("unet.conv", problem.model.conv.weight);
  fuse("unet.to_q", problem.model.to_q.weight);
  fuse("unet.to_out", problem.model.to_out.weight);
  const at::Tensor fused = problem.model.forward(problem.batch.noisy_latents);
  EXPECT_LT((fused - merged).abs().max().item<double>(), 1e-5);  // the file's factors are float32
}

TEST(ZipObjective, OneAdapterAtOneIsItself) {
  Problem problem({random_adapter(1, 2, true)});
  const ZipLosses losses = problem.objective->backward(problem.batch);
  // 0 with AVX2 kernels, 5e-34 with AVX-512 ones. The two forward passes are mathematically equal, but one is
  // gated by ones and records no gradient, so their products may round differently. A double's rounding error
  // squared is 5e-32.
  EXPECT_LT(losses.fidelity.at(0), 5e-32);
  EXPECT_EQ(losses.overlap, 0.0);
  EXPECT_EQ(problem.coefficients.mean_movement(), 0.0);
}

TEST(ZipObjective, LayersOutsideTheTargetsAreAddedDirectly) {
  const auto only_to_q = [](const std::string& target) { return target == "unet.to_q"; };
  Problem problem({random_adapter(1, 2, true), random_adapter(2, 3, true)}, only_to_q);
  EXPECT_EQ(problem.objective->learned_targets(), 1u);
  EXPECT_EQ(problem.objective->added_targets(), 2u);
  at::NoGradGuard no_grad;
  const at::Tensor zipped = problem.objective->merged_predictions(problem.batch);
  Problem all({random_adapter(1, 2, true), random_adapter(2, 3, true)});
  EXPECT_LT((all.objective->merged_predictions(all.batch) - zipped).abs().max().item<double>(), 1e-12);
}

TEST(ZipObjective, RefusesAnAdapterOfAnotherShapeAndNamesTheTarget) {
  Adapter wide = random_adapter(2, 3, false);
  at::Generator generator = make_generator(1);
  wide.layers["unet.to_q"].up = at::randn({kWidth + 1, 3}, generator, at::kDouble);
  try {
    Problem problem({random_adapter(1, 2, false), wide});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIncompatible);
    EXPECT_NE(error.where().find("unet.to_q"), std::string::npos);
    EXPECT_NE(error.problem().find("[6, 3]"), std::string::npos) << error.problem();
  }
}

TEST(ZipObjective, LeavesTheSlotsEmpty) {
  Problem problem({random_adapter(1, 2, true), random_adapter(2, 3, true)});
  problem.objective->backward(problem.batch);
  EXPECT_FALSE(problem.model.to_q.adapter.empty());
  problem.objective.reset();
  EXPECT_TRUE(problem.model.to_q.adapter.empty());
  EXPECT_TRUE(problem.model.conv.adapter.empty());
}

}  // namespace
}  // namespace ziplora
