// LoHa (FedPara, arXiv 2108.06098): ΔW = α/r · (w1_a @ w1_b) ⊙ (w2_a @ w2_b). A Hadamard product of two
// low-rank matrices is one of rank r²: its factors are all products of a column of the one with a column of
// the other. With cores each side is Σ_pq t[p,q,k,l] a[p,o] b[q,i]. Source: KohakuBlueleaf/LyCORIS
// lycoris/functional/loha.py.
#include <ATen/TensorOperators.h>
#include <ATen/ops/einsum.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ziplora/base/error.h"
#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

struct Side {
  at::Tensor left, right;  ///< [out, r], [r, in·kh·kw] float64
};

Side side_of(const DeltaParts& parts, const std::string& number) {
  const at::Tensor a = parts.at("hada_w" + number + "_a").to(at::kDouble);
  const at::Tensor b = parts.at("hada_w" + number + "_b").to(at::kDouble);
  const auto core = parts.find("hada_t" + number);
  const bool fits = core == parts.end()
                        ? a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(0)
                        : a.dim() == 2 && b.dim() == 2 && core->second.dim() == 4 &&
                              core->second.size(0) == a.size(0) && core->second.size(1) == b.size(0);
  if (!fits)
    throw Error(ErrorKind::kInput, "read adapter",
                fmt::format("has hada_w{0}_a [{1}] and hada_w{0}_b [{2}], whose ranks differ", number,
                            fmt::join(a.sizes(), ", "), fmt::join(b.sizes(), ", ")),
                "the file is damaged: get another copy");
  if (core == parts.end()) return {a, b};
  return {a.t(), at::einsum("pqkl,qi->pikl", {core->second.to(at::kDouble), b}).flatten(1)};
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
  const Side one = side_of(parts, "1"), two = side_of(parts, "2");
  if (one.left.size(0) != two.left.size(0) || one.right.size(1) != two.right.size(1))
    throw Error(ErrorKind::kInput, "read adapter", "has two LoHa sides of unequal shape",
                "the file is damaged: get another copy");
  const int64_t rank = parts.at("hada_w1_b").size(0);
  const double scale = lora_alpha ? *lora_alpha / static_cast<double>(rank) : 1.0;
  // Past full rank the products of columns would only take memory.
  if (one.left.size(1) * two.left.size(1) > std::min(one.left.size(0), one.right.size(1)))
    return layer_of_delta(one.left.matmul(one.right) * two.left.matmul(two.right), scale, target);
  const at::Tensor left = (one.left.unsqueeze(2) * two.left.unsqueeze(1)).flatten(1);        // [out, r·r]
  const at::Tensor right = (one.right.unsqueeze(1) * two.right.unsqueeze(0)).flatten(0, 1);  // [r·r, in·k·k]
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
                          to_factors};

}  // namespace ziplora
