#include "ziplora/merge/row_space_moments.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/merge/learned_targets.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora {
namespace {

/// Sums z zᵀ of the slots of the UNet that have adapters, while it lives.
class Recorder {
 public:
  explicit Recorder(const Components& components) {
    for (const auto& [target, place] : adapter_slots(components)) {
      if (!is_in_unet(target) || place.slot->empty()) continue;
      Sum& sum = sums_[target];
      sum.slot = place.slot;
      place.slot->observe(
          [&sum, convolution = place.is_convolution()](const at::Tensor& z) { add(sum, z, convolution); });
    }
  }
  ~Recorder() {
    for (auto& [target, sum] : sums_) sum.slot->observe(nullptr);
  }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  RowSpaceMoments moments() const {
    RowSpaceMoments moments;
    for (const auto& [target, sum] : sums_) {
      if (sum.tokens == 0) continue;
      const at::Tensor mean = (sum.of_products / static_cast<double>(sum.tokens)).to(at::kCPU);
      if (!mean.isfinite().all().item<bool>())
        throw Error(ErrorKind::kNonFinite, "merge: " + target, "what reaches the adapters here is not finite",
                    "a base or adapter that overflows in float16 needs --dtype bfloat16 or float32");
      moments[target] = {mean, sum.tokens, sum.one_an_image};
    }
    return moments;
  }

 private:
  struct Sum {
    AdapterSlot* slot;
    at::Tensor of_products;  // [R, R] float64
    int64_t tokens = 0;
    bool one_an_image = false;
  };

  /// In float64: rounded products would have negative eigenvalues where little comes through.
  static void add(Sum& sum, const at::Tensor& projected, bool convolution) {
    const at::Tensor last = convolution ? projected.movedim(1, -1) : projected;
    const at::Tensor z = last.reshape({-1, last.size(-1)}).to(at::kDouble);
    const at::Tensor product = z.t().matmul(z);
    sum.of_products = sum.of_products.defined() ? sum.of_products + product : product;
    sum.tokens += z.size(0);
    sum.one_an_image = projected.dim() == 2;
  }

  std::map<std::string, Sum> sums_;
};

}  // namespace

RowSpaceMoments record_row_space(Sdxl& base, const std::vector<MergeInput>& inputs,
                                 const PromptContext& context, const RecordingOptions& options, uint64_t seed,
                                 ProgressSink& progress, const CancelToken& cancel) {
  at::NoGradGuard no_grad;
  std::vector<const Adapter*> adapters;
  std::vector<double> strengths;
  for (size_t k = 0; k < inputs.size(); ++k) {
    adapters.push_back(inputs[k].adapter);
    strengths.push_back(context.shares[k] * inputs[k].strength);
  }
  const int64_t images = std::max(options.images, static_cast<int64_t>(context.prompts.size()));
  std::vector<ImageRow> rows;
  for (int64_t i = 0; i < images; ++i)
    rows.push_back({.prompt = context.prompts[static_cast<size_t>(i) % context.prompts.size()],
                    .negative_prompt = {},
                    .seed = derive_seed(seed, fmt::format("context {} {}", context.name, i)),
                    .adapter_weights = strengths});
  AttachedAdapters attached(base.components(), adapters);
  const Recorder recorder(base.components());
  SamplingOptions sampling;
  sampling.steps = options.steps;
  sampling.guidance_scale = 1;
  sampling.height = sampling.width = options.image_size;
  sampling.decode = false;
  TextToImage(base, &attached).run(rows, sampling, progress, cancel);
  return recorder.moments();
}

}  // namespace ziplora
