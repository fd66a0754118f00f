// OFT (arXiv 2306.07280) and BOFT (arXiv 2311.06243) as LyCORIS trains them: they rotate the output channels.
// Each block Q = B − Bᵀ gives a rotation R = (I + Q)(I − Q)⁻¹ (Cayley).
//
//     OFT    blocks [k, b, b]     W' = Rᵀ W0, block by block
//     BOFT   blocks [m, k, b, b]  W' = R_m … R_1 W0, the i-th on channels that lie 2^i·b/2 apart
//
// `alpha` is not a scale: times the number of output channels it bounds ‖Q‖; 0 means no bound. `rescale`
// multiplies the rows of the result. The user's strength acts on ΔW = W' − W0 as a whole; LyCORIS applies it
// to each rotation of BOFT, and agrees at 1.
//
// Sources: KohakuBlueleaf/LyCORIS lycoris/functional/{diag_oft,boft}.py, lycoris/modules/{diag_oft,boft}.py.
#include <ATen/TensorOperators.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_inv.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

std::vector<std::string> missing(const DeltaParts& parts) {
  if (parts.count("oft_blocks")) return {};
  return {"oft_blocks"};
}

/// @param blocks  […, b, b] float64
at::Tensor rotations(const at::Tensor& blocks, double largest_norm) {
  at::Tensor q = blocks - blocks.transpose(-1, -2);
  const double norm = q.norm().item<double>();
  if (largest_norm > 0 && norm > largest_norm) q = q * (largest_norm / norm);
  const at::Tensor identity = at::eye(blocks.size(-1), blocks.options());
  return (identity + q).matmul(at::linalg_inv(identity - q));
}

/// @param turns [k, b, b], weight [out, n] @return Rᵀ W block by block
at::Tensor turn_blocks(const at::Tensor& turns, const at::Tensor& weight) {
  const at::Tensor blocks = weight.view({turns.size(0), turns.size(1), -1});
  return at::einsum("knm,kni->kmi", {turns, blocks}).reshape(weight.sizes());
}

/// @param turns [m, k, b, b], weight [out, n]
at::Tensor turn_butterfly(const at::Tensor& turns, at::Tensor weight) {
  const int64_t block = turns.size(-1), columns = weight.size(1);
  for (int64_t stage = 0; stage < turns.size(0); ++stage) {
    const int64_t apart = (int64_t{1} << stage) * block / 2;
    const at::Tensor gathered =
        weight.view({-1, 2, apart, columns}).transpose(1, 2).reshape({turns.size(1), block, columns});
    const at::Tensor turned = at::einsum("kij,kjn->kin", {turns[stage], gathered});
    weight = turned.reshape({-1, apart, 2, columns}).transpose(1, 2).reshape({-1, columns});
  }
  return weight;
}

bool fits(const at::Tensor& blocks, int64_t out) {
  if (blocks.dim() != 3 && blocks.dim() != 4) return false;
  const int64_t count = blocks.size(-3), block = blocks.size(-1);
  if (blocks.size(-2) != block || count * block != out) return false;
  if (blocks.dim() == 3) return true;
  // The channels of the widest stage must still divide into blocks.
  const int64_t stages = blocks.size(0);
  return block % 2 == 0 && stages > 0 && stages < 32 && out % ((int64_t{1} << (stages - 1)) * block) == 0;
}

BaseBoundLayer bind(const DeltaParts& parts, std::optional<double> lora_alpha, const TargetName& target) {
  const at::Tensor blocks = parts.at("oft_blocks").to(at::kDouble);
  const int64_t out = target.weight_shape[0];
  if (!fits(blocks, out))
    throw does_not_fit(fmt::format("has oft_blocks [{}], this SDXL architecture's layer has {} outputs",
                                   fmt::join(blocks.sizes(), ", "), out));
  const auto rescale = parts.find("rescale");
  const at::Tensor rows = rescale == parts.end() ? at::Tensor() : rescale->second.to(at::kDouble).flatten();
  if (rows.defined() && rows.numel() != out)
    throw does_not_fit(fmt::format("has {} rescale factors, this SDXL architecture's layer has {} outputs",
                                   rows.numel(), out));
  const double largest_norm = lora_alpha.value_or(0.0) * static_cast<double>(out);
  const bool butterfly = blocks.dim() == 4;
  return {butterfly ? "BOFT" : "OFT", 0, [=](const at::Tensor& weight) {
            const at::Tensor base = weight.to(at::kDouble).flatten(1).contiguous();
            const at::Tensor turns = rotations(blocks, largest_norm);
            at::Tensor turned = butterfly ? turn_butterfly(turns, base) : turn_blocks(turns, base);
            if (rows.defined()) turned = turned * rows.unsqueeze(1);
            return turned - base;
          }};
}

}  // namespace

const DeltaKind kOftKind{
    "OFT",
    {{".oft_blocks", "oft_blocks", PartForm::kAny}, {".rescale", "rescale", PartForm::kAny}},
    missing,
    nullptr,
    bind};

}  // namespace ziplora
