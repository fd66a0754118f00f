// LoKr (KronA, arXiv 2212.10650): ΔW = s · w1 ⊗ w2. Each side is whole or a product of two factors; w2 of a
// convolution may have a core (t2). (u v) ⊗ (U V) = (u ⊗ U)(v ⊗ V) turns it into factors of rank r1 · r2. s =
// α/r only if a side is factored; whole sides were saved with their scale inside.
//
// Source: KohakuBlueleaf/LyCORIS lycoris/functional/lokr.py, lycoris/modules/lokr.py.
#include <ATen/ops/einsum.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/kron.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

struct Side {
  at::Tensor left, right;         ///< [a, k], [k, b·kh·kw] float64
  std::optional<int64_t> rank{};  ///< of the factors in the file; absent: the side is whole
};

[[noreturn]] void refuse(const std::string& name, const at::Tensor& a, const at::Tensor& b,
                         const char* problem = "whose ranks differ") {
  throw malformed(fmt::format("has {0}_a [{1}] and {0}_b [{2}], {3}", name, fmt::join(a.sizes(), ", "),
                              fmt::join(b.sizes(), ", "), problem));
}

/// The rows and columns of either side of w1 ⊗ w2 divide those of ΔW.
void require_divides(int64_t rows, int64_t columns, const TargetName& target) {
  if (rows == 0 || columns == 0 || target.weight_shape[0] % rows != 0 || target.columns() % columns != 0)
    require_size_of_delta(rows, columns, target);
}

Side side_of(const DeltaParts& parts, const std::string& name, const TargetName& target) {
  if (const auto whole = parts.find(name); whole != parts.end()) {
    if (parts.count(name + "_a") || parts.count(name + "_b"))
      throw ambiguous("has " + name + " whole and as a product of two factors");
    if (name == "lokr_w2" && parts.count("lokr_t2"))
      throw ambiguous("has lokr_w2 whole and a core, lokr_t2, for factors of it");
    const at::Tensor matrix = whole->second.to(at::kDouble).flatten(1);  // [a, b·kh·kw]
    if (matrix.size(0) <= matrix.size(1)) return {at::eye(matrix.size(0), matrix.options()), matrix};
    return {matrix, at::eye(matrix.size(1), matrix.options())};
  }
  const at::Tensor a = parts.at(name + "_a").to(at::kDouble), b = parts.at(name + "_b").to(at::kDouble);
  const auto core = parts.find("lokr_t2");
  if (name == "lokr_w2" && core != parts.end()) {  // a [r, out], b [r, in], t2 [r, r, kh, kw]
    if (a.dim() != 2 || b.dim() != 2 || core->second.dim() != 4 || core->second.size(0) != a.size(0) ||
        core->second.size(1) != b.size(0))
      refuse(name, a, b);
    // Checked before they are multiplied: the larger side bounds the rank, and the target bounds the sides.
    const int64_t rank = a.size(0), in = b.size(1), kernel = core->second.size(2) * core->second.size(3);
    if (rank > std::max(a.size(1), in)) refuse(name, a, b, "whose rank is larger than the layer");
    require_divides(a.size(1), in * kernel, target);
    return {a.t(), at::einsum("pqkl,qi->pikl", {core->second.to(at::kDouble), b}).flatten(1), b.size(0)};
  }
  const at::Tensor right = b.flatten(1);
  if (a.dim() != 2 || a.size(1) != right.size(0)) refuse(name, a, b);
  return {a, right, right.size(0)};
}

/// at::kron takes no transposed inputs, and a transposed vector counts as contiguous, so both are copied.
at::Tensor kronecker(const at::Tensor& a, const at::Tensor& b) {
  return at::kron(a.clone(at::MemoryFormat::Contiguous), b.clone(at::MemoryFormat::Contiguous));
}

std::vector<std::string> missing(const DeltaParts& parts) {
  std::vector<std::string> names;
  for (const std::string side : {"lokr_w1", "lokr_w2"}) {
    if (parts.count(side)) continue;
    const bool none = !parts.count(side + "_a") && !parts.count(side + "_b");
    if (none) names.push_back(side);
    if (!none && !parts.count(side + "_a")) names.push_back(side + "_a");
    if (!none && !parts.count(side + "_b")) names.push_back(side + "_b");
  }
  return names;
}

LoraLayer to_factors(const DeltaParts& parts, std::optional<double> lora_alpha, const TargetName& target) {
  const Side one = side_of(parts, "lokr_w1", target), two = side_of(parts, "lokr_w2", target);
  require_size_of_delta(one.left.size(0) * two.left.size(0), one.right.size(1) * two.right.size(1), target);
  const std::optional<int64_t> rank = two.rank ? two.rank : one.rank;
  const double scale = lora_alpha && rank ? *lora_alpha / static_cast<double>(*rank) : 1.0;
  const int64_t factored = one.left.size(1) * two.left.size(1);
  const int64_t whole = std::min(one.left.size(0) * two.left.size(0), one.right.size(1) * two.right.size(1));
  if (factored > whole)
    return layer_of_delta(kronecker(one.left.matmul(one.right), two.left.matmul(two.right)), scale, target);
  return layer_of_product(kronecker(one.left, two.left), kronecker(one.right, two.right), scale, target);
}

}  // namespace

const DeltaKind kLokrKind{"LoKr",
                          {{".lokr_w1", "lokr_w1"},
                           {".lokr_w1_a", "lokr_w1_a"},
                           {".lokr_w1_b", "lokr_w1_b"},
                           {".lokr_w2", "lokr_w2"},
                           {".lokr_w2_a", "lokr_w2_a"},
                           {".lokr_w2_b", "lokr_w2_b"},
                           {".lokr_t2", "lokr_t2"}},
                          missing,
                          to_factors,
                          nullptr,
                          {"lokr_w2_b", "lokr_w1_b"}};

}  // namespace ziplora
