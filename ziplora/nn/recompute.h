#pragma once
/// Gradient checkpointing: the activations of a module are not kept but computed again in the backward pass.
/// The gradients are those of the plain call, bit for bit if the kernels are deterministic.
///
///     const auto forward = [&](const std::vector<at::Tensor>& in) { return block.forward(in[0], in[1]); };
///     at::Tensor y = recomputed_in_backward(block, forward, {x, context});
///
/// Unlike torch.utils.checkpoint(use_reentrant=True), gradients also reach what the module itself holds if no
/// input carries gradient: its parameters and the factors in its adapter slots, whether or not they are
/// leaves. They are inputs of the graph node, so backward() and autograd.grad both see them, and a graph
/// behind a factor (merger coefficients) runs once. The recomputation sees the slots as they were in the
/// forward call, even if they have changed since.
///
/// Left out: random numbers (nothing here draws any) and second derivatives.

#include <functional>
#include <vector>

#include "ziplora/nn/module.h"

namespace ziplora {

/// @param module    the module that the function runs; must outlive the graph
/// @param function  inputs → one tensor, without side effects
at::Tensor recomputed_in_backward(Module& module,
                                  std::function<at::Tensor(const std::vector<at::Tensor>&)> function,
                                  const std::vector<at::Tensor>& inputs);

}  // namespace ziplora
