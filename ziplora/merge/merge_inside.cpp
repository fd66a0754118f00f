#include "ziplora/merge/merge_inside.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <utility>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

std::vector<MergeOption> trimming_table() {
  std::vector<MergeOption> options;
  for (MergeOption& option : combination_table(Mix::kElectedMean))
    if (option.name == "density" || option.name == "majority-sign") options.push_back(std::move(option));
  return options;
}

/// What is added whole is not trimmed, and elects no sign.
void refuse_what_adding_ignores(const nlohmann::json& options) {
  if (options["inside"] != "sum") return;
  for (const MergeOption& option : trimming_table())
    if (options[option.name] != option.default_value)
      throw Error(ErrorKind::kUsage, "merge: --" + option.name, "--inside sum adds every value",
                  fmt::format("leave out --{}, or use --inside ties", option.name));
}

Keep keep_of(const nlohmann::json& options) {
  refuse_what_adding_ignores(options);
  return options["inside"] == "dare-ties" ? random_of(options) : largest_of(options);
}

}  // namespace

std::vector<MergeOption> merge_inside_table() {
  std::vector<MergeOption> options = {
      {.name = "inside",
       .help = "Merge in the shared basis by TIES, by TIES of values chosen at random, or by adding",
       .default_value = "ties",
       .choices = {"ties", "dare-ties", "sum"},
       .value_name = "METHOD"}};
  for (MergeOption& option : trimming_table()) options.push_back(std::move(option));
  return options;
}

MergeInside::MergeInside(const nlohmann::json& options, uint64_t seed)
    : adds_(options["inside"] == "sum"),
      keep_(keep_of(options)),
      majority_(options["majority-sign"] == "total" ? MajoritySign::kTotal : MajoritySign::kFrequency),
      seed_(seed) {}

at::Tensor MergeInside::operator()(const std::string& target, const LayerParts& parts,
                                   const std::vector<at::Tensor>& values) const {
  std::vector<at::Tensor> kept, weighted;
  for (size_t k = 0; k < parts.size(); ++k) {
    const uint64_t seed = derive_seed(seed_, fmt::format("dare {} inside {}", parts[k].input, target));
    kept.push_back(adds_ ? values[k] : keep_(values[k], seed));
    weighted.push_back(kept[k] * parts[k].strength);
  }
  if (adds_) return at::stack(weighted).sum(0);
  return disjoint_mean(at::stack(weighted), elected_signs(at::stack(kept), majority_));
}

}  // namespace ziplora
