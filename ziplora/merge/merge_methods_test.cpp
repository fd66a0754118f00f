// The contract of every file-level merge method. A new one is tested because it stands in the table.
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/lora/compress.h"
#include "ziplora/lora/target_names.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {
namespace {

const std::string kQuery = "unet.up_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
const std::string kConvolution = "unet.up_blocks.0.resnets.0.conv1";
const std::string kText = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj";
const std::string kStyleBlock = "unet.up_blocks.0.attentions.1.proj_out";
const std::string kOnlyInOne = "unet.mid_block.attentions.0.proj_in";

/// Shapes may be small, because methods see names and factors, not the architecture's sizes.
Adapter random_adapter(uint64_t seed, int64_t rank, bool with_extra_layer) {
  at::Generator generator = make_generator(seed);
  const auto draw = [&](std::vector<int64_t> shape) { return at::randn(shape, generator); };
  Adapter adapter;
  adapter.layers[kQuery] = {draw({rank, 6}), draw({8, rank}), 0.5 * rank};
  adapter.layers[kConvolution] = {draw({rank, 3, 3, 3}), draw({4, rank, 1, 1}), {}};
  adapter.layers[kText] = {draw({rank, 5}), draw({5, rank}), 2.0};
  adapter.layers[kStyleBlock] = {draw({rank, 4}), draw({4, rank}), {}};
  if (with_extra_layer) adapter.layers[kOnlyInOne] = {draw({rank, 6}), draw({6, rank}), {}};
  adapter.source = "file" + std::to_string(seed);
  return adapter;
}

at::Tensor delta(const LoraLayer& layer) {
  return layer.up.to(at::kDouble).flatten(1).mm(layer.down.to(at::kDouble).flatten(1)) * layer.scale();
}

double distance(const Adapter& a, const Adapter& b) {
  double squared = 0, total = 0;
  for (const auto& [target, layer] : a.layers) {
    squared += (delta(layer) - delta(b.layers.at(target))).square().sum().item<double>();
    total += delta(layer).square().sum().item<double>();
  }
  return std::sqrt(squared / total);
}

/// Every file-level method, with options that keep all values.
std::vector<std::pair<const MergeMethod*, nlohmann::json>> file_level_methods() {
  std::vector<std::pair<const MergeMethod*, nlohmann::json>> result;
  for (const MergeMethod& method : merge_methods()) {
    if (method.needs_base) continue;
    nlohmann::json given = nlohmann::json::object();
    const auto has = [&](const std::string& name) {
      return std::any_of(method.options.begin(), method.options.end(),
                         [&](const MergeOption& option) { return option.name == name; });
    };
    if (has("density")) given["density"] = 1.0;
    result.push_back({&method, resolve_options(method, given)});
    if (has("on")) {
      given["on"] = "factors";
      result.push_back({&method, resolve_options(method, given)});
    }
  }
  return result;
}

MergeResult run(const MergeMethod& method, const nlohmann::json& options,
                const std::vector<MergeInput>& inputs, uint64_t seed = 0) {
  MergeContext context;
  context.seed = seed;
  context.names = &TargetNames::sdxl();
  return method.run(inputs, options, context);
}

MergeInput subject(const Adapter& adapter, double strength = 1.0) {
  return {.adapter = &adapter, .role = Role::kSubject, .strength = strength};
}

MergeInput style(const Adapter& adapter, double strength = 1.0) {
  return {.adapter = &adapter, .role = Role::kStyle, .strength = strength};
}

MergeInput further(const Adapter& adapter, double strength = 1.0) {
  return {.adapter = &adapter, .role = Role::kAdapter, .strength = strength};
}

TEST(MergeMethods, EachHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const MergeMethod& method : merge_methods()) {
    EXPECT_TRUE(names.insert(method.name).second) << method.name;
    EXPECT_EQ(find_merge_method(method.name).run, method.run);
    EXPECT_NE(std::string(method.summary), "");
  }
  EXPECT_TRUE(names.count("zip") && names.count("direct"));
}

TEST(MergeMethods, OneAdapterStaysItself) {
  const Adapter one = random_adapter(1, 3, true);
  for (const auto& [method, options] : file_level_methods()) {
    const MergeResult result = run(*method, options, {further(one)});
    EXPECT_EQ(result.adapter.layers.size(), one.layers.size()) << method->name;
    EXPECT_LT(distance(one, result.adapter), 1e-6) << method->name << options;
  }
}

TEST(MergeMethods, AStrengthMultipliesOneAdapter) {
  const Adapter one = random_adapter(1, 3, true);
  Adapter scaled = one;
  for (auto& [target, layer] : scaled.layers) layer.up = layer.up * -0.7;
  for (const auto& [method, options] : file_level_methods())
    EXPECT_LT(distance(scaled, run(*method, options, {further(one, -0.7)}).adapter), 1e-6)
        << method->name << options;
}

TEST(MergeMethods, TheOrderOfInputsDoesNotMatter) {
  const Adapter a = random_adapter(1, 3, true), b = random_adapter(2, 3, false);
  for (auto [method, options] : file_level_methods()) {
    const auto forth = run(*method, options, {subject(a, 0.8), style(b, 1.5)});
    const auto back = run(*method, options, {style(b, 1.5), subject(a, 0.8)});
    ASSERT_EQ(forth.adapter.layers.size(), back.adapter.layers.size()) << method->name;
    EXPECT_LT(distance(forth.adapter, back.adapter), 1e-6) << method->name << options;
  }
}

/// How far the merge of a and b is from that of b and a when the method drops values.
double distance_of_orders(const char* name, const char* on) {
  const Adapter a = random_adapter(1, 3, true), b = random_adapter(2, 3, false);
  const MergeMethod& method = find_merge_method(name);
  const nlohmann::json options = resolve_options(method, {{"density", 0.4}, {"on", on}});
  const auto forth = run(method, options, {subject(a, 0.8), style(b, 1.5)});
  const auto back = run(method, options, {style(b, 1.5), subject(a, 0.8)});
  return distance(forth.adapter, back.adapter);
}

TEST(MergeMethods, TheOrderDoesNotMatterWhereTheLargestValuesStay) {
  for (const char* name : {"ties", "magnitude-prune", "breadcrumbs"})
    for (const char* on : {"delta", "factors"}) EXPECT_LT(distance_of_orders(name, on), 1e-6) << name << on;
}

// As in PEFT, random numbers are drawn for one input after the other.
TEST(MergeMethods, TheOrderMattersWhereChanceChooses) {
  for (const char* name : {"dare-linear", "dare-ties"})
    for (const char* on : {"delta", "factors"}) EXPECT_GT(distance_of_orders(name, on), 1e-3) << name << on;
}

TEST(MergeMethods, WhatCancelsItselfIsZero) {
  const Adapter one = random_adapter(1, 3, true);
  for (const char* name : {"svd", "direct"}) {
    const MergeMethod& method = find_merge_method(name);
    const MergeResult result =
        run(method, resolve_options(method, nlohmann::json::object()), {subject(one, 1), style(one, -1)});
    double largest = 0;
    for (const auto& [target, layer] : compress(result.adapter, 2).adapter.layers)
      largest = std::max(largest, layer.up.abs().max().item<double>());
    EXPECT_EQ(largest, 0) << name;
  }
}

TEST(MergeMethods, EqualSeedsGiveEqualTensorsAndOnlyDareListensToThem) {
  const Adapter a = random_adapter(1, 3, true), b = random_adapter(2, 3, false);
  for (const MergeMethod& method : merge_methods()) {
    if (method.needs_base) continue;
    const nlohmann::json options = resolve_options(method, nlohmann::json::object());
    const auto merge = [&](uint64_t seed) {
      return run(method, options, {subject(a), style(b)}, seed).adapter;
    };
    const Adapter first = merge(5), second = merge(5), other = merge(6);
    for (const auto& [target, layer] : first.layers) {
      EXPECT_TRUE(layer.down.equal(second.layers.at(target).down)) << method.name;
      EXPECT_TRUE(layer.up.equal(second.layers.at(target).up)) << method.name;
    }
    EXPECT_EQ(distance(first, other) > 1e-3, std::string(method.name).starts_with("dare")) << method.name;
  }
}

TEST(MergeMethods, EveryLayerOfEveryInputIsInTheResult) {
  const Adapter a = random_adapter(1, 3, true), b = random_adapter(2, 3, false),
                c = random_adapter(3, 3, true);
  for (auto [method, options] : file_level_methods()) {
    if (std::string(method->name) == "block") options["subject-blocks"] = options["style-blocks"] = "all";
    const MergeResult result = run(*method, options, {subject(a), style(b), further(c)});
    ASSERT_EQ(result.adapter.layers.size(), 5) << method->name;
    EXPECT_EQ(result.report.coverage->partly_covered, 1) << method->name;
    for (const auto& [target, layer] : result.adapter.layers) {
      EXPECT_EQ(layer.is_convolution(), target == kConvolution);
      EXPECT_GT(delta(layer).abs().max().item<double>(), 1e-3) << method->name << " " << target;
    }
  }
}

TEST(MergeMethods, DifferentRanksAreTakenOrRefusedByName) {
  const Adapter a = random_adapter(1, 3, false), b = random_adapter(2, 2, false);
  for (const auto& [method, options] : file_level_methods()) {
    const bool adds_factors = std::string(method->name) == "linear" || options.value("on", "") == "factors";
    try {
      const MergeResult result = run(*method, options, {subject(a), style(b)});
      EXPECT_FALSE(adds_factors) << method->name;
    } catch (const Error& error) {
      EXPECT_TRUE(adds_factors) << method->name << error.what();
      EXPECT_EQ(error.kind(), ErrorKind::kIncompatible);
      EXPECT_NE(error.where().find(kText), std::string::npos);
      EXPECT_NE(error.problem().find("rank 3 in subject (file1), 2 in style (file2)"), std::string::npos);
    }
  }
}

TEST(MergeMethods, AnSvdKeepsTheRankAskedForAndReportsItsTrueError) {
  const Adapter a = random_adapter(1, 3, false), b = random_adapter(2, 2, false);
  const std::vector<MergeInput> inputs{subject(a), style(b)};
  for (const char* name : {"svd", "ties", "dare-linear", "magnitude-prune"}) {
    const MergeMethod& method = find_merge_method(name);
    const MergeResult whole = run(method, resolve_options(method, {{"svd-rank", 99}}), inputs);
    EXPECT_LT(whole.report.svd_error->total, 1e-6) << name;
    const MergeResult small = run(method, resolve_options(method, {{"svd-rank", 2}}), inputs);
    for (const auto& [target, layer] : small.adapter.layers) EXPECT_EQ(layer.rank(), 2) << name;
    EXPECT_NEAR(small.report.svd_error->total, distance(whole.adapter, small.adapter), 1e-5) << name;
    EXPECT_GT(small.report.svd_error->total, 0.05) << name;
    EXPECT_EQ(small.report.svd_error->of_layer.size(), 4) << name;
    const MergeResult usual = run(method, resolve_options(method, nlohmann::json::object()), inputs);
    EXPECT_EQ(usual.adapter.layers.at(kQuery).rank(), 3) << name;
  }
}

TEST(MergeMethods, EnergyTakesTheFewestRanksThatHoldIt) {
  const Adapter a = random_adapter(1, 3, false), b = random_adapter(2, 2, false);
  const MergeMethod& method = find_merge_method("svd");
  const MergeResult result = run(method, resolve_options(method, {{"energy", 0.8}}), {subject(a), style(b)});
  for (const auto& [target, error] : result.report.svd_error->of_layer)
    EXPECT_LE(error, std::sqrt(0.2) + 1e-9) << target;
  EXPECT_LT(result.adapter.layers.at(kQuery).rank(), 5);
  EXPECT_THROW(run(method, resolve_options(method, {{"energy", 1.5}}), {subject(a)}), Error);
}

TEST(MergeMethods, LinearSaysHowLargeItsCrossTermsAre) {
  const Adapter a = random_adapter(1, 3, false), b = random_adapter(2, 3, false);
  const std::vector<MergeInput> inputs{subject(a), style(b, -0.5)};
  const MergeMethod& method = find_merge_method("linear");
  const MergeMethod& direct = find_merge_method("direct");
  const MergeResult result = run(method, nlohmann::json::object(), inputs);
  const Adapter sum = run(direct, nlohmann::json::object(), inputs).adapter;
  EXPECT_NEAR(*result.report.cross_terms, distance(sum, result.adapter), 1e-5);
  EXPECT_GT(*result.report.cross_terms, 0.1);
}

TEST(MergeMethods, ProjectionNeedsBothRoles) {
  const Adapter a = random_adapter(1, 3, false), b = random_adapter(2, 3, false);
  for (const char* name : {"np", "orthogonal"}) {
    const MergeMethod& method = find_merge_method(name);
    const nlohmann::json options = resolve_options(method, nlohmann::json::object());
    EXPECT_THROW(run(method, options, {subject(a), further(b)}), Error);
    EXPECT_THROW(run(method, options, {style(a), style(b)}), Error);
  }
}

TEST(MergeMethods, BlocksOfWeightZeroAreLeftOutAndCounted) {
  const Adapter a = random_adapter(1, 3, true), b = random_adapter(2, 3, true);
  const MergeMethod& method = find_merge_method("block");
  const nlohmann::json options =
      resolve_options(method, {{"subject-blocks", "MID=0,BASE=0.5"}, {"style-blocks", "MID=0,rest=2"}});
  const MergeResult result = run(method, options, {subject(a), style(b)});
  EXPECT_EQ(result.adapter.layers.count(kOnlyInOne), 0);
  EXPECT_EQ(result.report.left_out.at(0).layers, 1);
  const at::Tensor expected = 0.5 * delta(a.layers.at(kText)) + 2 * delta(b.layers.at(kText));
  EXPECT_LT((delta(result.adapter.layers.at(kText)) - expected).abs().max().item<double>(), 1e-5);
  EXPECT_THROW(run(method, resolve_options(method, {{"style-blocks", "rest=0"}}), {subject(a), style(b)}),
               Error);
}

TEST(MergeMethods, BlockRefusesAPathThatNothingLiesIn) {
  const Adapter a = random_adapter(1, 3, true);
  const MergeMethod& method = find_merge_method("block");
  try {
    run(method, resolve_options(method, {{"adapter-blocks", "unet.up_blocks.0.attention.1=0"}}),
        {further(a)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(error.where(), "merge: --adapter-blocks");
    EXPECT_EQ(error.hint(), "did you mean 'unet.up_blocks.0.attentions.1'?");
  }
}

TEST(MergeMethods, BlockTakesAdaptersThatChangeVectorsAlone) {
  Adapter norms;
  norms.vector_deltas["unet.up_blocks.0.resnets.0.norm1.weight"] = at::full({4}, 2.0);
  norms.vector_deltas["unet.mid_block.resnets.0.norm1.bias"] = at::full({4}, 3.0);
  const MergeMethod& method = find_merge_method("block");
  const MergeResult result =
      run(method, resolve_options(method, {{"adapter-blocks", "MID=0,OUT00=0.5"}}), {further(norms)});
  ASSERT_EQ(result.adapter.vector_deltas.size(), 1);
  EXPECT_TRUE(result.adapter.vector_deltas.begin()->second.to(at::kFloat).equal(at::full({4}, 1.0f)));
  EXPECT_EQ(result.report.left_out.at(0).layers, 0);
  EXPECT_EQ(result.report.left_out.at(0).vectors, 1);
  EXPECT_THROW(run(method, resolve_options(method, {{"adapter-blocks", "rest=0"}}), {further(norms)}), Error);
}

TEST(MergeMethods, BreadcrumbsLeavesOutTheLargestValuesAndTheSmall) {
  Adapter one;
  const at::Tensor values = at::tensor({0.5, -8.0, 2.0, 0.0, -1.0, 4.0, 0.25, 1.5, -16.0, 3.0}, at::kFloat);
  one.layers[kQuery] = {values.view({1, 10}), at::ones({1, 1}), {}};
  const MergeMethod& method = find_merge_method("breadcrumbs");
  const auto kept = [&](double density, double outliers) {
    const nlohmann::json options =
        resolve_options(method, {{"density", density}, {"outliers", outliers}, {"svd-rank", 1}});
    return delta(run(method, options, {further(one, 2.0)}).adapter.layers.at(kQuery)).flatten();
  };
  const auto expect = [](const at::Tensor& found, std::vector<double> wanted) {
    EXPECT_LT((found - at::tensor(wanted, at::kDouble)).abs().max().item<double>(), 1e-5) << found;
  };
  expect(kept(0.3, 0.2), {0, 0, 4, 0, 0, 8, 0, 0, 0, 6});
  expect(kept(0.3, 0.0), {0, -16, 0, 0, 0, 8, 0, 0, -32, 0});
  expect(kept(0.9, 0.4), {1, -16, 4, 0, -2, 8, 0.5, 3, 0, 6});  // no room for more than one outlier
  for (const double outliers : {-0.1, 1.0, std::nan("")})
    EXPECT_THROW(kept(0.5, outliers), Error) << outliers;
}

TEST(MergeMethods, ADensityIsAShareAboveZero) {
  const Adapter a = random_adapter(1, 3, false), b = random_adapter(2, 3, false);
  for (const char* name :
       {"ties", "dare-linear", "dare-ties", "magnitude-prune", "breadcrumbs", "knots", "core-space", "ctm"})
    for (const double density : {0.0, 1.5, std::nan("")}) {
      const MergeMethod& method = find_merge_method(name);
      try {
        run(method, resolve_options(method, {{"density", density}}), {subject(a), style(b)});
        ADD_FAILURE() << name << " " << density;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kUsage) << error.what();
        EXPECT_NE(error.hint().find("can be left out"), std::string::npos);
      }
    }
}

TEST(MergeMethods, CtmHasTheRankAskedForAndABetaFrom0To1) {
  const Adapter a = random_adapter(1, 3, false), b = random_adapter(2, 2, false);
  const MergeMethod& method = find_merge_method("ctm");
  for (const int64_t rank : {0, 1, 2}) {
    const auto options = resolve_options(method, {{"merged-rank", rank}, {"inside", "sum"}});
    const MergeResult result = run(method, options, {subject(a), style(b)});
    for (const auto& [target, layer] : result.adapter.layers)
      EXPECT_EQ(layer.rank(), rank == 0 ? 3 : rank) << target;
  }
  for (const double beta : {-0.1, 1.1, std::nan("")})
    EXPECT_THROW(run(method, resolve_options(method, {{"beta", beta}}), {subject(a), style(b)}), Error)
        << beta;
}

TEST(MergeMethods, LoraOptimizerLeavesOutAnInputOfStrength0) {
  const Adapter a = random_adapter(1, 3, false), b = random_adapter(2, 3, true);
  const MergeMethod& method = find_merge_method("lora-optimizer");
  const auto options = resolve_options(method, nlohmann::json::object());
  const Adapter merged = run(method, options, {subject(a, 0.8), style(b, 0)}).adapter;
  for (const auto& [target, layer] : a.layers)
    EXPECT_LT((delta(merged.layers.at(target)) - 0.8 * delta(layer)).abs().max().item<double>(), 1e-5)
        << target;
  EXPECT_EQ(delta(merged.layers.at(kOnlyInOne)).abs().max().item<double>(), 0);
}

TEST(MergeMethods, AnSvdOfWhatIsNotFiniteSaysSo) {
  const Adapter a = random_adapter(1, 3, false);
  const MergeMethod& method = find_merge_method("svd");
  try {
    run(method, resolve_options(method, nlohmann::json::object()), {further(a, 1e39)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
  }
}

}  // namespace
}  // namespace ziplora
