// LoHa (FedPara, arXiv 2108.06098): ΔW = α/r · (w1_a @ w1_b) ⊙ (w2_a @ w2_b). The Hadamard product of two
// matrices of rank r has rank r² at most: its factors are all products of a column of one with a column of
// the other. With cores each side is Σ_pq t[p,q,k,l] a[p,o] b[q,i].
//
// Source: KohakuBlueleaf/LyCORIS lycoris/functional/loha.py.
#include <ATen/TensorOperators.h>
#include <ATen/ops/einsum.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

/// One of the two matrices: left @ right, float64.
struct Side {
  at::Tensor a, b, core{};

  int64_t out() const { return core.defined() ? a.size(1) : a.size(0); }
  int64_t columns() const { return core.defined() ? b.size(1) * core.size(2) * core.size(3) : b.size(1); }
  at::Tensor left() const { return core.defined() ? a.t() : a; }  // [out, r]
  at::Tensor right() const {                                      // [r, in·kh·kw]
    return core.defined() ? at::einsum("pqkl,qi->pikl", {core, b}).flatten(1) : b;
  }
};

Side side_of(const DeltaParts& parts, const std::string& number) {
  Side side{parts.at("hada_w" + number + "_a").to(at::kDouble),
            parts.at("hada_w" + number + "_b").to(at::kDouble)};
  if (const auto core = parts.find("hada_t" + number); core != parts.end())
    side.core = core->second.to(at::kDouble);
  const auto& [a, b, core] = side;
  const bool matrices = a.dim() == 2 && b.dim() == 2;
  const bool fits =
      matrices && (core.defined() ? core.dim() == 4 && core.size(0) == a.size(0) && core.size(1) == b.size(0)
                                  : a.size(1) == b.size(0));
  if (!fits)
    throw malformed(fmt::format("has hada_w{0}_a [{1}] and hada_w{0}_b [{2}], whose ranks differ", number,
                                fmt::join(a.sizes(), ", "), fmt::join(b.sizes(), ", ")));
  // A core of a few numbers with a rank of millions would multiply to terabytes.
  if (core.defined() && a.size(0) > std::max(side.out(), side.columns()))
    throw malformed(fmt::format("has hada_w{}_a [{}], whose rank is larger than the layer", number,
                                fmt::join(a.sizes(), ", ")));
  return side;
}

std::vector<std::string> missing(const DeltaParts& parts) {
  std::vector<std::string> names;
  for (const char* part : {"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"})
    if (!parts.count(part)) names.push_back(part);
  if (parts.count("hada_t1") != parts.count("hada_t2"))
    names.push_back(parts.count("hada_t1") ? "hada_t2" : "hada_t1");
  return names;
}

LoraLayer to_factors(const DeltaParts& parts, std::optional<double> lora_alpha, const TargetName& target) {
  const Side first = side_of(parts, "1"), second = side_of(parts, "2");
  if (first.out() != second.out() || first.columns() != second.columns())
    throw malformed("has two LoHa sides of unequal shape");
  require_size_of_delta(first.out(), first.columns(), target);
  const int64_t rank = first.b.size(0);
  const double scale = lora_alpha ? *lora_alpha / static_cast<double>(rank) : 1.0;
  const at::Tensor left1 = first.left(), left2 = second.left(), right1 = first.right(),
                   right2 = second.right();
  // Past full rank, products of columns would take memory for nothing.
  if (left1.size(1) * left2.size(1) > std::min(first.out(), first.columns()))
    return layer_of_delta(left1.matmul(right1) * left2.matmul(right2), scale, target);
  const at::Tensor left = (left1.unsqueeze(2) * left2.unsqueeze(1)).flatten(1);        // [out, r·r]
  const at::Tensor right = (right1.unsqueeze(1) * right2.unsqueeze(0)).flatten(0, 1);  // [r·r, in·k·k]
  return layer_of_product(left, right, scale, target);
}

}  // namespace

const DeltaKind kLohaKind{"LoHa",
                          {{".hada_w1_a", "hada_w1_a"},
                           {".hada_w1_b", "hada_w1_b"},
                           {".hada_w2_a", "hada_w2_a"},
                           {".hada_w2_b", "hada_w2_b"},
                           {".hada_t1", "hada_t1"},
                           {".hada_t2", "hada_t2"}},
                          missing,
                          to_factors,
                          nullptr,
                          {"hada_w1_b"}};

}  // namespace ziplora
