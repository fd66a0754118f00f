#include "ziplora/nn/recompute.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <unordered_set>

#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/linear.h"

namespace ziplora {
namespace {

using Tensors = std::vector<at::Tensor>;
using SlotContents = std::vector<std::pair<AdapterSlot*, LowRankUpdate>>;

SlotContents slot_contents(Module& module) {
  SlotContents contents;
  module.for_each_module([&](const std::string&, Module& child) {
    AdapterSlot* slot = nullptr;
    if (auto* linear = dynamic_cast<Linear*>(&child)) slot = &linear->adapter;
    if (auto* conv = dynamic_cast<Conv2d*>(&child)) slot = &conv->adapter;
    if (slot) contents.emplace_back(slot, slot->update());
  });
  return contents;
}

/// The tensors of the module that carry gradient, each once.
Tensors held_with_gradient(Module& module, const SlotContents& slots) {
  Tensors held;
  std::unordered_set<const void*> seen;
  auto add = [&](const at::Tensor& tensor) {
    if (tensor.defined() && tensor.requires_grad() && seen.insert(tensor.unsafeGetTensorImpl()).second) {
      held.push_back(tensor);
    }
  };
  for (const at::Tensor& parameter : module.parameters()) add(parameter);
  for (const auto& [slot, update] : slots) {
    add(update.down);
    add(update.up);
    add(update.row_gate);
  }
  return held;
}

/// Gives the slots their contents of the forward call, and returns the present ones on destruction.
class SlotsRestored {
 public:
  explicit SlotsRestored(const SlotContents& then) {
    for (const auto& [slot, update] : then) {
      now_.emplace_back(slot, slot->update());
      slot->set(update);
    }
  }
  ~SlotsRestored() {
    for (auto& [slot, update] : now_) slot->set(std::move(update));
  }

 private:
  SlotContents now_;
};

/// What the backward pass needs besides tensors; a custom class so that the autograd context can carry it.
struct Recipe : torch::CustomClassHolder {
  std::function<at::Tensor(const Tensors&)> function;
  SlotContents slots;
  size_t num_inputs = 0;  ///< tensors of the node: inputs first, then what the module holds
};

struct RecomputeFunction : torch::autograd::Function<RecomputeFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, at::TensorList tensors,
                            const c10::intrusive_ptr<Recipe>& recipe) {
    context->save_for_backward(tensors.vec());
    context->saved_data["recipe"] = c10::IValue::make_capsule(recipe);
    return recipe->function({tensors.begin(), tensors.begin() + recipe->num_inputs});
  }

  static Tensors backward(torch::autograd::AutogradContext* context, const Tensors& output_gradients) {
    const Tensors tensors = context->get_saved_variables();
    const auto recipe = c10::static_intrusive_pointer_cast<Recipe>(context->saved_data["recipe"].toCapsule());
    // The inputs are detached from the graph before them. What the module holds is not, but `grad` stops
    // there.
    Tensors inputs, wanted;
    std::vector<size_t> positions;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const bool needed = context->needs_input_grad(i);
      if (i < recipe->num_inputs) inputs.push_back(tensors[i].detach().set_requires_grad(needed));
      if (!needed) continue;
      wanted.push_back(i < recipe->num_inputs ? inputs.back() : tensors[i]);
      positions.push_back(i);
    }
    at::Tensor output;
    {
      const at::AutoGradMode with_gradient(true);
      const SlotsRestored restored(recipe->slots);
      output = recipe->function(inputs);
    }
    const Tensors found = torch::autograd::grad({output}, wanted, output_gradients, /*retain_graph=*/false,
                                                /*create_graph=*/false, /*allow_unused=*/true);
    Tensors gradients(tensors.size() + 1);  // the last one belongs to the recipe
    for (size_t i = 0; i < positions.size(); ++i) gradients[positions[i]] = found[i];
    return gradients;
  }
};

}  // namespace

at::Tensor recomputed_in_backward(Module& module, std::function<at::Tensor(const Tensors&)> function,
                                  const Tensors& inputs) {
  if (!at::GradMode::is_enabled()) return function(inputs);
  auto recipe = c10::make_intrusive<Recipe>();
  recipe->slots = slot_contents(module);
  recipe->num_inputs = inputs.size();
  recipe->function = std::move(function);
  Tensors tensors = inputs;
  for (const at::Tensor& held : held_with_gradient(module, recipe->slots)) tensors.push_back(held);
  return RecomputeFunction::apply(at::TensorList(tensors), recipe);
}

}  // namespace ziplora
