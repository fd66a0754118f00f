#include "ziplora/lora/universal_form.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "ziplora/base/error.h"
#include "ziplora/lora/all_finite.h"
#include "ziplora/lora/factor_shapes.h"

namespace ziplora {
namespace {

/// Rounding to bfloat16 changes a factor by 0.2 % in norm, rounding to half by 0.03 %. More means that values
/// fell below the dtype's range.
constexpr double kMostRounding = 0.01;
constexpr int64_t kEnoughToSettle = 1 << 12;

/// ΔW = lora_alpha / rank · up @ down; absent means scale 1, so rank.
double effective_alpha(const LoraLayer& layer) {
  return layer.lora_alpha.value_or(static_cast<double>(layer.rank()));
}

double constant_alpha(const std::map<std::string, LoraLayer>& layers) {
  std::optional<double> common;
  bool mixed = false;
  for (const auto& [module, layer] : layers) {
    const double alpha = effective_alpha(layer);
    if (alpha == 0) continue;  // no effect; folded into up as zeros
    mixed = mixed || (common && *common != alpha);
    common = alpha;
  }
  // Never 0 in a file: some loaders read 0 as "absent".
  return common && !mixed && *common > 0 ? *common : static_cast<double>(most_common_rank(layers));
}

/// Norms of a matrix' rows (dim 1) or columns (dim 0), block by block: copying a whole half-precision factor
/// to float32 would cost more than the norms.
at::Tensor norms_over(const at::Tensor& matrix, int64_t dim) {
  constexpr int64_t kBlock = 1 << 15;  // numbers, 128 kB in float32
  const int64_t across = std::max<int64_t>(1, kBlock / std::max<int64_t>(1, matrix.size(1 - dim)));
  at::Tensor squares = at::zeros({matrix.size(1 - dim)}, at::kFloat);
  for (const at::Tensor& block : matrix.detach().split(across, dim))
    squares += block.to(at::kFloat).square().sum(dim);
  return squares.sqrt();
}

/// No effect whatever the input: of each rank, the column of up or the row of down is zero.
bool is_dead(const LoraLayer& layer) {
  // One row of up and one column of down nearly always settle it.
  if (layer.up.flatten(1)
          .select(0, 0)
          .ne(0)
          .logical_and(layer.down.flatten(1).select(1, 0).ne(0))
          .any()
          .item<bool>())
    return false;
  const at::Tensor up = layer.up.flatten(1).ne(0).any(0), down = layer.down.flatten(1).ne(0).any(1);
  return !up.logical_and(down).any().item<bool>();
}

/// Keeps files small. An adapter that changes nothing at all keeps its first layer, with zeros in both
/// factors: readers then still recognise a LoRA, and see that the zeros are meant.
void drop_dead_layers(Adapter& adapter) {
  std::map<std::string, LoraLayer> alive;
  for (const auto& [target, layer] : adapter.layers)
    if (!is_dead(layer)) alive.emplace(target, layer);
  if (alive.empty() && !adapter.layers.empty()) {
    const auto& [target, layer] = *adapter.layers.begin();
    alive.emplace(target, LoraLayer{at::zeros_like(layer.down), at::zeros_like(layer.up), layer.lora_alpha});
  }
  adapter.layers = std::move(alive);
}

LoraLayer zeros_of(const TargetName& target, double lora_alpha, int64_t rank = 1) {
  const FactorShapes shapes = factor_shapes(target.weight_shape, rank);
  return {at::zeros(shapes.down, at::kFloat), at::zeros(shapes.up, at::kFloat), lora_alpha};
}

constexpr const char* kEncoder2 = "text_encoder_2";
constexpr const char* kTextProjection = "text_projection";
constexpr const char* kSelfAttention = ".self_attn.";

/// The same ΔW with more ranks, of zeros.
LoraLayer widened(const LoraLayer& layer, int64_t rank) {
  const int64_t more = rank - layer.rank();
  return {at::cat({layer.down, at::zeros({more, layer.down.size(1)}, layer.down.options())}),
          at::cat({layer.up, at::zeros({layer.up.size(0), more}, layer.up.options())}, 1),
          effective_alpha(layer) * static_cast<double>(rank) / static_cast<double>(layer.rank())};
}

/// diffusers expects the rank that most layers of the encoder have, and fails on another.
void widen_text_projection(Adapter& adapter) {
  auto encoder_2 = layers_of_components(adapter)[kEncoder2];
  const auto projection = encoder_2.extract(kTextProjection);
  if (projection.empty()) return;
  const LoraLayer& layer = projection.mapped();
  const int64_t rank = most_common_rank(encoder_2);
  if (layer.rank() < rank)
    adapter.layers[std::string(kEncoder2) + "." + kTextProjection] =
        with_alpha(widened(layer, rank), effective_alpha(layer));
}

bool has_projection_alone(const Adapter& adapter) {
  const auto in_encoder_2 = [](const auto& entry) { return entry.first.starts_with(kEncoder2); };
  return adapter.layers.count(std::string(kEncoder2) + "." + kTextProjection) != 0 &&
         std::ranges::count_if(adapter.layers, in_encoder_2) == 1;
}

void complete_for_narrow_loaders(Adapter& adapter, const std::map<std::string, double>& alphas,
                                 const TargetNames& names) {
  std::set<std::string> attended_layers;  // "text_encoder_2.….self_attn.", of both encoders
  bool has_unet = false, has_cross_attention = false;
  for (const auto& [canonical, layer] : adapter.layers) {
    const TargetName* target = names.find(canonical);
    has_unet = has_unet || target->component == "unet";
    has_cross_attention = has_cross_attention || canonical.ends_with(".attn2.to_k");
    const size_t leaf = canonical.find(kSelfAttention);
    if (leaf != std::string::npos) attended_layers.insert(canonical.substr(0, leaf + 11));
  }
  // Zeros of the most common rank, so that it stays the most common one.
  const auto by_component = layers_of_components(adapter);
  for (const std::string& prefix : attended_layers)
    for (const char* leaf : {"q_proj", "k_proj", "v_proj", "out_proj"})
      if (!adapter.layers.count(prefix + leaf)) {
        const std::string component = prefix.substr(0, prefix.find('.'));
        adapter.layers[prefix + leaf] = zeros_of(*names.find(prefix + leaf), alphas.at(component),
                                                 most_common_rank(by_component.at(component)));
      }
  if (!has_unet || has_cross_attention) return;
  for (const TargetName& target : names.targets())
    if (target.canonical.ends_with(".attn2.to_k")) {
      adapter.layers[target.canonical] = zeros_of(target, alphas.at("unet"));
      return;
    }
}

}  // namespace

LoraLayer with_alpha(const LoraLayer& layer, double lora_alpha) {
  const double factor = effective_alpha(layer) / lora_alpha;
  const at::Tensor down_norm = norms_over(layer.down.flatten(1), 1),
                   up_norm = std::abs(factor) * norms_over(layer.up.flatten(1), 0);  // [rank]
  // Norms within a factor of 4 are balanced enough; such factors keep their bits.
  const at::Tensor exponent = 0.5 * (up_norm / down_norm).log2();  // not finite where either is zero
  const at::Tensor balance = at::where(at::isfinite(exponent).logical_and(exponent.abs() >= 1),
                                       exponent.round().exp2(), at::ones_like(up_norm));
  if (factor == 1.0 && (balance == 1).all().item<bool>()) return {layer.down, layer.up, lora_alpha};
  std::vector<int64_t> down_shape(layer.down.dim(), 1), up_shape(layer.up.dim(), 1);
  down_shape[0] = up_shape[1] = layer.rank();
  return {layer.down.to(at::kFloat) * balance.view(down_shape),
          layer.up.to(at::kFloat) * (factor / balance).view(up_shape), lora_alpha};
}

Adapter universal_form(const Adapter& adapter, const TargetNames& names) {
  Adapter result{
      .layers = {}, .metadata = adapter.metadata, .source = adapter.source, .dialect = "kohya-sgm"};
  std::map<std::string, double> alphas;
  for (const auto& [component, layers] : layers_of_components(adapter)) {
    alphas[component] = constant_alpha(layers);
    for (const auto& [module, layer] : layers) {
      const std::string canonical = component + "." + module;
      if (names.find(canonical) == nullptr)
        throw Error(ErrorKind::kInternal, "write adapter", canonical + " is not a layer of the architecture");
      result.layers[canonical] = with_alpha(layer, alphas[component]);
    }
  }
  drop_dead_layers(result);
  if (has_projection_alone(result)) add_attention_to_encoders(result, names);
  complete_for_narrow_loaders(result, alphas, names);
  widen_text_projection(result);
  return result;
}

void add_attention_to_encoders(Adapter& adapter, const TargetNames& names) {
  for (const auto& [component, layers] : layers_of_components(adapter)) {
    const auto attends = [](const auto& entry) {
      return entry.first.find(kSelfAttention) != std::string::npos;
    };
    if (component == "unet" || std::ranges::any_of(layers, attends)) continue;
    const int64_t rank = most_common_rank(layers);
    const auto like =
        std::ranges::find_if(layers, [&](const auto& entry) { return entry.second.rank() == rank; });
    for (const char* leaf : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      const TargetName& target =
          *names.find(component + ".text_model.encoder.layers.0" + kSelfAttention + leaf);
      adapter.layers[target.canonical] = zeros_of(target, effective_alpha(like->second), rank);
    }
  }
}

Adapter unit_scale_form(const Adapter& adapter) {
  Adapter result{
      .layers = {}, .metadata = adapter.metadata, .source = adapter.source, .dialect = "diffusers-peft"};
  for (const auto& [canonical, layer] : adapter.layers)
    result.layers[canonical] = with_alpha(layer, static_cast<double>(layer.rank()));
  drop_dead_layers(result);
  return result;
}

std::map<std::string, std::map<std::string, LoraLayer>> layers_of_components(const Adapter& adapter) {
  std::map<std::string, std::map<std::string, LoraLayer>> result;
  for (const auto& [canonical, layer] : adapter.layers) {
    const size_t dot = canonical.find('.');
    result[canonical.substr(0, dot)][canonical.substr(dot + 1)] = layer;
  }
  return result;
}

int64_t most_common_rank(const std::map<std::string, LoraLayer>& layers) {
  std::map<int64_t, int64_t> counts;
  for (const auto& [module, layer] : layers) ++counts[layer.rank()];
  int64_t best = 1, best_count = 0;
  for (const auto& [rank, count] : counts)
    if (count > best_count) best = rank, best_count = count;
  return best;
}

at::Tensor to_storage(const at::Tensor& factor, at::ScalarType dtype, const std::string& target) {
  at::Tensor stored = factor.detach().to(at::kCPU).to(dtype).contiguous();
  const auto refuse = [&](const std::string& problem) {
    return ValuesDoNotFit(
        ErrorKind::kNonFinite, "write adapter",
        fmt::format("{} has values that {} cannot hold ({})", target, toString(dtype), problem),
        "choose bfloat16 or float32 as the file's dtype, unless training diverged");
  };
  if (!all_finite(stored)) {
    const ValuesDoNotFit refusal =
        refuse(fmt::format("largest magnitude {:.3g}", factor.abs().max().item<double>()));
    if (all_finite(factor.detach().to(at::kCPU))) throw refusal;
    // No dtype holds them.
    throw Error(refusal.kind(), refusal.where(), refusal.problem(), refusal.hint());
  }
  if (factor.scalar_type() == dtype) return stored;  // nothing was rounded
  // A value loses at most its share (2⁻¹¹ in half, 2⁻⁹ in bfloat16) or half the smallest step. This bound
  // nearly always settles it without a comparison.
  const double smallest_loss = dtype == at::kHalf ? 0x1p-25 : 0x1p-134;
  const double size = std::sqrt(static_cast<double>(factor.numel()));
  // The norm of a part is at most that of the whole, so it can settle it without a pass over the rest.
  const at::Tensor some = factor.detach().flatten().slice(0, 0, kEnoughToSettle);
  if (const double norm = some.norm().item<double>();
      norm < 1e12 && smallest_loss * size < kMostRounding / 2 * norm)
    return stored;
  const at::Tensor exact = factor.detach().to(at::kCPU).to(at::kDouble);
  const double norm = exact.norm().item<double>(),
               lost = (stored.to(at::kDouble) - exact).norm().item<double>();
  if (lost > kMostRounding * norm)
    throw refuse(
        fmt::format("smaller than its smallest steps: rounding changes them by {:.0f} %", 100 * lost / norm));
  return stored;
}

}  // namespace ziplora
