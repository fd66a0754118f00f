#include "ziplora/merge/layer_conflict.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ziplora/base/rng.h"
#include "ziplora/merge/joint_core.h"

namespace ziplora {
namespace {

constexpr int64_t kComparedValues = 100'000, kCountedValues = 1000, kComparedDirections = 8;
constexpr uint64_t kSeed = 42;  // the choice is no part of a merge's seed

double number(const at::Tensor& scalar) { return scalar.item<double>(); }

/// The same values of each part's ΔW, without strengths: [values] float32.
std::vector<at::Tensor> compared_values(const LayerParts& parts, at::Generator& generator) {
  const LoraLayer& like = *parts.front().layer;
  const int64_t columns = like.down[0].numel(), count = like.up.size(0) * columns;
  at::Tensor places;
  if (count > kComparedValues)
    places = at::randint(count, {kComparedValues}, generator, at::TensorOptions().dtype(at::kLong));
  std::vector<at::Tensor> values;
  for (const LayerPart& part : parts) {
    const at::Tensor up = part.layer->up.detach().to(at::kFloat).flatten(1) * part.layer->scale();
    const at::Tensor down = part.layer->down.detach().to(at::kFloat).flatten(1);
    if (!places.defined())
      values.push_back(up.matmul(down).flatten());
    else
      values.push_back((up.index_select(0, places.floor_divide(columns)) *
                        down.t().index_select(0, places.remainder(columns)))
                           .sum(1));
  }
  return values;
}

struct PairConflict {
  double excess = 0, weight = 0;
  double dot = 0, norms = 0;  // norms: ‖a‖ ‖b‖
};

/// @param a, b  [values] with the signs of their strengths
PairConflict compare(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor both = (a != 0).logical_and(b != 0);
  const at::Tensor x = a.masked_select(both).to(at::kDouble), y = b.masked_select(both).to(at::kDouble);
  if (x.numel() == 0) return {};
  PairConflict pair;
  pair.dot = number(x.dot(y));
  pair.norms = number(x.norm()) * number(y.norm());
  const double floor =
      0.05 * std::max(number(x.norm()), number(y.norm())) / std::sqrt(static_cast<double>(x.numel()));
  at::Tensor strong = (x.abs() > floor).logical_and(y.abs() > floor);
  if (!strong.any().item<bool>()) strong = at::ones_like(strong);
  const at::Tensor weights = at::minimum(x.abs(), y.abs()) * strong;
  pair.weight = number(weights.sum());
  if (pair.weight <= 0) return pair;
  const double differing = number((weights * (x.sign() != y.sign())).sum()) / pair.weight;
  const double expected = std::acos(std::clamp(pair.dot / pair.norms, -1.0, 1.0)) / std::numbers::pi;
  pair.excess = std::max(differing - expected, 0.0);
  return pair;
}

struct Directions {
  at::Tensor left, right;
};

Directions leading_directions(const at::Tensor& core) {
  const LiveSvd svd = live_svd(core);
  const int64_t kept = std::min(svd.s.size(0), kComparedDirections);
  return {svd.u.narrow(1, 0, kept), svd.vt.narrow(0, 0, kept).t()};
}

double overlap_of(const Directions& a, const Directions& b) {
  const int64_t fewest = std::min(a.left.size(1), b.left.size(1));
  if (fewest == 0) return 0;
  const double shared =
      number(a.left.t().matmul(b.left).square().sum()) + number(a.right.t().matmul(b.right).square().sum());
  return shared / (2.0 * static_cast<double>(fewest));
}

/// Of up to 1,000 of each part's values.
double density_of_values(const LayerParts& parts, const std::vector<at::Tensor>& values,
                         at::Generator& generator) {
  std::vector<at::Tensor> sizes;
  for (size_t k = 0; k < parts.size(); ++k) {
    at::Tensor counted = values[k];
    if (counted.numel() > kCountedValues)
      counted = counted.index_select(
          0, at::randint(counted.numel(), {kCountedValues}, generator, at::TensorOptions().dtype(at::kLong)));
    sizes.push_back(counted.abs() * std::abs(parts[k].strength));
  }
  const at::Tensor all = at::cat(sizes);
  const double largest = number(all.max());
  if (largest <= 0) return 0.5;
  return std::clamp(number((all > 0.1 * largest).to(at::kDouble).mean()), 0.1, 0.9);
}

ConflictMeasures measures_of(const LayerParts& parts, const std::vector<at::Tensor>& values,
                             const std::vector<at::Tensor>& cores) {
  std::vector<Directions> directions;
  for (const at::Tensor& core : cores) directions.push_back(leading_directions(core));
  double excess = 0, weights = 0, cosines = 0, pairs = 0, overlap = 0, norms = 0;
  for (size_t i = 0; i < parts.size(); ++i)
    for (size_t j = i + 1; j < parts.size(); ++j) {
      const auto turned = [&](size_t k) { return parts[k].strength < 0 ? -values[k] : values[k]; };
      const PairConflict pair = compare(turned(i), turned(j));
      if (pair.norms <= 0) continue;
      excess += pair.excess * pair.weight;
      weights += pair.weight;
      cosines += pair.dot / pair.norms;
      pairs += 1;
      overlap += overlap_of(directions[i], directions[j]) * pair.norms;
      norms += pair.norms;
    }
  if (pairs == 0) return {};
  return {.excess = weights > 0 ? excess / weights : 0,
          .cosine = cosines / pairs,
          .overlap = overlap / norms,
          .size_ratio = 1};
}

}  // namespace

LayerConflict measure_conflict(const std::string& target, const LayerParts& parts) {
  at::Generator generator = make_generator(kSeed);
  const JointCore joint = joint_core(target, parts);
  const at::Tensor flat = at::stack(joint.cores).flatten(1);
  LayerConflict conflict{.measures = {}, .gram = flat.matmul(flat.t())};
  if (parts.size() < 2) return conflict;
  const std::vector<at::Tensor> values = compared_values(parts, generator);
  conflict.measures = measures_of(parts, values, joint.cores);
  conflict.density = density_of_values(parts, values, generator);
  const at::Tensor squares = conflict.gram.diagonal();
  const at::Tensor alive = squares.masked_select(squares > 0);
  if (alive.numel() > 1) conflict.measures.size_ratio = std::sqrt(number(alive.max()) / number(alive.min()));
  return conflict;
}

}  // namespace ziplora
