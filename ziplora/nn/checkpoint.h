#pragma once
/// Gradient checkpointing: activations of a module are not kept but computed again in the backward pass.
/// Gradients are those of the plain call, bit for bit where the kernels are deterministic.
///
///     y = checkpoint(block, [&](const std::vector<at::Tensor>& in) { return block.forward(in[0], in[1]); },
///     {x, context});
///
/// Unlike torch.utils.checkpoint(use_reentrant=True), gradients also reach what the module itself holds when
/// no input carries gradient, whether leaf or not: its parameters and the factors in its adapter slots. They
/// are inputs of the graph node, so backward() and autograd.grad both see them, and a graph behind a factor
/// (merger coefficients) runs once. The slots' contents are those of the forward call, even if they were
/// exchanged since.
///
/// Left out: random numbers (nothing here draws any) and second derivatives.

#include <functional>
#include <vector>

#include "ziplora/nn/module.h"

namespace ziplora {

/// @param module    what the function runs; must outlive the graph
/// @param function  inputs → one tensor, without side effects
at::Tensor checkpoint(Module& module, std::function<at::Tensor(const std::vector<at::Tensor>&)> function,
                      const std::vector<at::Tensor>& inputs);

}  // namespace ziplora
