// OFT as PEFT and OneTrainer train it (OFTv2, arXiv 2506.19847): it rotates the input channels. A row of
// oft_R holds the upper triangle of one skew Q [b, b]; a single row is shared by all blocks. R is the series
// of the Cayley transform, cut after five terms:
//
//     R = I + 2Q + 2Q² + 2Q³ + Q⁴
//
// Linear layers rotate x, W' = W0 Rᵀ. Convolutions rotate the weight, whose inputs are flattened with their
// kernels, W' = W0 R. In files with `scaled_oft`, Q is divided by 2·√(b − 1). PEFT's own convolutions rotate
// patches of x instead, which no change of the weight can express; only PEFT's folders hold them, and
// peft_config.h refuses those.
//
// Sources: Nerogar/OneTrainer modules/module/{oft_utils,LoRAModule}.py, huggingface/peft tuners/oft/layer.py.
#include <ATen/TensorOperators.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/triu_indices.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

std::vector<std::string> missing(const DeltaParts& parts) {
  if (parts.count("oft_R")) return {};
  return {"oft_R"};
}

/// The b for which b·(b − 1)/2 is `elements`; 0 if there is none.
int64_t block_size_of(int64_t elements) {
  const auto block =
      static_cast<int64_t>(std::llround((1 + std::sqrt(1 + 8.0 * static_cast<double>(elements))) / 2));
  return block * (block - 1) / 2 == elements ? block : 0;
}

/// @param elements [k, b(b−1)/2] float64 @return R [k, b, b]
at::Tensor rotations(const at::Tensor& elements, int64_t block) {
  const at::Tensor places = at::triu_indices(block, block, 1);
  at::Tensor q = at::zeros({elements.size(0), block * block}, elements.options());
  q.index_copy_(1, places[0] * block + places[1], elements);
  q = q.view({-1, block, block});
  q = q - q.transpose(1, 2);
  const at::Tensor q2 = q.matmul(q), q3 = q2.matmul(q);
  return at::eye(block, q.options()) + 2 * (q + q2 + q3) + q3.matmul(q);
}

BaseBoundLayer bind(const DeltaParts& parts, std::optional<double>, const TargetName& target) {
  at::Tensor elements = parts.at("oft_R").to(at::kDouble);
  const int64_t inputs = target.columns();
  const int64_t block = elements.dim() == 2 ? block_size_of(elements.size(1)) : 0;
  const int64_t rows = elements.dim() == 2 ? elements.size(0) : 0;
  if (block < 2 || inputs % block != 0 || (rows != 1 && rows * block != inputs))
    throw does_not_fit(fmt::format("has oft_R [{}], this SDXL architecture's layer has {} inputs",
                                   fmt::join(elements.sizes(), ", "), inputs));
  const auto scaled = parts.find("scaled_oft");
  if (scaled != parts.end() && scaled->second.numel() == 1 && scaled->second.item<double>() != 0)
    elements = elements / (2 * std::sqrt(static_cast<double>(block - 1)));
  const bool turns_weight = target.is_convolution();
  return {"OFT", 0, [=](const at::Tensor& weight) {
            const at::Tensor base = weight.to(at::kDouble).flatten(1);
            at::Tensor turns = rotations(elements, block);
            if (!turns_weight) turns = turns.transpose(1, 2);
            turns = turns.expand({inputs / block, block, block});
            const at::Tensor blocks = base.view({base.size(0), -1, block});
            return at::einsum("okn,knm->okm", {blocks, turns}).reshape(base.sizes()) - base;
          }};
}

}  // namespace

const DeltaKind kOftInputKind{
    "OFT of inputs",
    {{".oft_R.weight", "oft_R"}, {".oft_R.scaled_oft", "scaled_oft", PartForm::kAny}},
    missing,
    nullptr,
    bind};

}  // namespace ziplora
