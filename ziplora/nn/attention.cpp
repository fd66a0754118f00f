#include "ziplora/nn/attention.h"

#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>

#include <cmath>

namespace ziplora {
namespace {

/// Softmax(query keyᵀ / √d) value. [B, heads, T, d], [B, heads, S, d] twice → [B, heads, T, d]
at::Tensor attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  // The fused kernel saves memory for the [T, S] scores of long sequences. For short ones on a CPU, two
  // products and a softmax are faster: forward 1.2 to 3 times, backward up to 8 times (bfloat16, 64 × 32
  // tokens).
  constexpr int64_t kShort = 256 * 77;
  if (!query.device().is_cpu() || query.size(-2) * key.size(-2) >= kShort)
    return at::scaled_dot_product_attention(query, key, value);
  const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1)));
  return at::matmul(at::softmax(at::matmul(query * scale, key.transpose(-1, -2)), -1), value);
}

}  // namespace

Attention::Attention(Options o)
    : options(o),
      to_q(o.query_dim, o.query_dim, o.bias),
      to_k(o.context_dim ? o.context_dim : o.query_dim, o.query_dim, o.bias),
      to_v(o.context_dim ? o.context_dim : o.query_dim, o.query_dim, o.bias),
      to_out(o.query_dim, o.query_dim) {
  if (o.norm_num_groups) {
    group_norm_ = std::make_unique<GroupNorm>(o.norm_num_groups, o.query_dim, o.norm_eps);
    register_module("group_norm", *group_norm_);
  }
  register_module("to_q", to_q);
  register_module("to_k", to_k);
  register_module("to_v", to_v);
  register_module("to_out.0", to_out);
}

at::Tensor Attention::forward(const at::Tensor& x, const at::Tensor& context) const {
  const bool pixels = x.dim() == 4;
  at::Tensor tokens = group_norm_ ? group_norm_->forward(x) : x;
  if (pixels) tokens = tokens.flatten(2).transpose(1, 2);  // [B, H·W, C]
  const at::Tensor& answering = context.defined() ? context : tokens;

  const int64_t heads = options.num_attention_heads;
  auto split_heads = [heads](const at::Tensor& t) {
    return t.unflatten(-1, {heads, t.size(-1) / heads}).transpose(1, 2);  // [B, heads, T, head_dim]
  };
  at::Tensor attended = attend(split_heads(to_q.forward(tokens)), split_heads(to_k.forward(answering)),
                               split_heads(to_v.forward(answering)));
  at::Tensor y = to_out.forward(attended.transpose(1, 2).flatten(2));  // [B, T, query_dim]

  if (pixels) y = y.transpose(1, 2).unflatten(2, {x.size(2), x.size(3)});
  if (options.residual) y = y.add_(x);  // in place: no backward formula needs to_out's result
  return y;
}

}  // namespace ziplora
