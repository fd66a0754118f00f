#include "ziplora/merge/context_moments.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/merge/learned_targets.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora {
namespace {

/// Sums v vᵀ of the slots of the UNet that have adapters, while it lives.
class Recorder {
 public:
  Recorder(const Components& components, MomentsOf of, const IsRecorded& is_recorded) : of_(of) {
    for (const auto& [target, place] : adapter_slots(components)) {
      if (!is_in_unet(target) || place.slot->empty() || !is_recorded(target, place.is_convolution()))
        continue;
      layers_[target].slot = place.slot;
      place.slot->observe([this, &layer = layers_[target], convolution = place.is_convolution()](
                              const at::Tensor& x, const at::Tensor& z) {
        if (of_ == MomentsOf::kInputs)
          see_inputs(layer, x);
        else
          add(own_sum(layer), z, convolution);
      });
    }
  }
  ~Recorder() {
    for (auto& [target, layer] : layers_) layer.slot->observe(nullptr);
  }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// Adds the sums of all processes.
  /// @param counts  whether this process recorded images of its own
  void add_up(Team& team, bool counts) {
    if (team.is_alone()) return;
    std::vector<at::Tensor> sums;
    std::vector<Sum*> of;
    for (auto& [target, layer] : layers_) {
      if (!layer.sum || !layer.sum->of_products.defined() || !(layer.leads || of_ != MomentsOf::kInputs))
        continue;
      of.push_back(layer.sum.get());
      at::Tensor& products = layer.sum->of_products;  // made in inference mode: not to be changed in place
      products = counts ? products.clone() : at::zeros_like(products);
      sums.push_back(products);
    }
    const at::Tensor tokens = at::zeros({static_cast<int64_t>(of.size())}, at::kLong);
    for (size_t i = 0; counts && i < of.size(); ++i) tokens[static_cast<int64_t>(i)] = of[i]->tokens;
    sums.push_back(tokens);
    team.sum(sums);
    for (size_t i = 0; i < of.size(); ++i) of[i]->tokens = tokens[static_cast<int64_t>(i)].item<int64_t>();
  }

  /// Leaves the sums empty.
  ContextMoments moments() {
    ContextMoments moments;
    for (const auto& [target, layer] : layers_) {
      if (!layer.sum || layer.sum->tokens == 0) continue;
      Sum& sum = *layer.sum;
      if (sum.of_products.defined()) sum.mean = mean_of(target, sum);
      moments[target] = {sum.mean, sum.tokens, sum.one_an_image};
    }
    return moments;
  }

 private:
  struct Sum {
    at::Tensor of_products;  // [n, n] float64
    int64_t tokens = 0;
    bool one_an_image = false;
    at::Tensor mean;  // at the end, in place of of_products
  };
  struct Layer {
    AdapterSlot* slot = nullptr;
    std::shared_ptr<Sum> sum;
    bool leads = false;  // adds to the sum that it may share
  };
  using WeakTensor = c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;
  struct Seen {
    WeakTensor inputs;
    std::shared_ptr<Sum> sum;
  };

  static Sum& own_sum(Layer& layer) {
    if (!layer.sum) layer.sum = std::make_shared<Sum>();
    return *layer.sum;
  }

  /// Which layers see the same tensor shows in the first pass, and the network does not change. The weak pointers
  /// keep the addresses from being used again, not the activations in memory.
  void see_inputs(Layer& layer, const at::Tensor& x) {
    if (!layer.sum) {
      const auto [seen, is_new] = seen_.try_emplace(
          x.unsafeGetTensorImpl(), Seen{WeakTensor(x.getIntrusivePtr()), std::make_shared<Sum>()});
      layer.sum = seen->second.sum;
      layer.leads = is_new;
    }
    if (layer.leads) add(*layer.sum, x, /*convolution=*/false);
  }

  /// In float64: rounded products would have negative eigenvalues where little comes through.
  static void add(Sum& sum, const at::Tensor& vectors, bool convolution) {
    const at::Tensor last = convolution ? vectors.movedim(1, -1) : vectors;
    const at::Tensor v = last.reshape({-1, last.size(-1)}).to(at::kDouble);
    const at::Tensor product = v.t().matmul(v);
    if (sum.of_products.defined())
      sum.of_products += product;
    else
      sum.of_products = product;
    sum.tokens += v.size(0);
    sum.one_an_image = vectors.dim() == 2;
  }

  static at::Tensor mean_of(const std::string& target, Sum& sum) {
    const at::Tensor mean =
        (std::exchange(sum.of_products, {}) / static_cast<double>(sum.tokens)).to(at::kCPU);
    if (!mean.isfinite().all().item<bool>())
      throw Error(ErrorKind::kNonFinite, "merge: " + target, "what reaches the adapters here is not finite",
                  "a base or adapter that overflows in float16 needs --dtype bfloat16 or float32");
    return mean;
  }

  MomentsOf of_;
  std::map<std::string, Layer> layers_;
  std::map<const c10::TensorImpl*, Seen> seen_;
};

std::vector<ImageRow> rows_of(const std::vector<MergeInput>& inputs, const PromptContext& context,
                              int64_t images, uint64_t seed) {
  std::vector<ImageRow> rows;
  for (int64_t i = 0; i < std::max(images, static_cast<int64_t>(context.prompts.size())); ++i)
    rows.push_back({.prompt = context.prompts[static_cast<size_t>(i) % context.prompts.size()],
                    .negative_prompt = {},
                    .seed = derive_seed(seed, fmt::format("context {} {}", context.name, i)),
                    .adapter_weights = strengths_in(context, inputs)});
  return rows;
}

}  // namespace

ContextMoments record_moments(Sdxl& base, const std::vector<MergeInput>& inputs, const PromptContext& context,
                              MomentsOf of, const IsRecorded& is_recorded, const RecordingOptions& options,
                              uint64_t seed, ProgressSink& progress, const CancelToken& cancel, Team& team) {
  at::NoGradGuard no_grad;
  std::vector<const Adapter*> adapters;
  for (const MergeInput& input : inputs) adapters.push_back(input.adapter);
  AttachedAdapters attached(base.components(), adapters);
  Recorder recorder(base.components(), of, is_recorded);
  SamplingOptions sampling;
  sampling.steps = options.steps;
  sampling.guidance_scale = 1;
  sampling.height = sampling.width =
      options.image_size > 0 ? options.image_size : std::min<int64_t>(base.default_image_size(), 512);
  sampling.decode = false;
  sampling.where = "merge: record";
  const std::vector<ImageRow> rows = rows_of(inputs, context, options.images, seed);
  std::vector<ImageRow> own;
  for (size_t i = 0; i < rows.size(); ++i)
    if (team.takes(static_cast<int64_t>(i))) own.push_back(rows[i]);
  const bool has_own = !own.empty();
  if (!has_own) own = {rows.front()};  // shows which layers see the same inputs; its sums count for nothing
  TextToImage(base, &attached).run(own, sampling, progress, cancel);
  recorder.add_up(team, has_own);
  return recorder.moments();
}

}  // namespace ziplora
