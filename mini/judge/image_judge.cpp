#include "mini/judge/image_judge.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include "ziplora/models/diffusers_folder.h"

namespace ziplora::mini {
namespace {

constexpr int64_t kBatchSize = 64;

}  // namespace

at::Tensor clip_pixel_values(const at::Tensor& images) {
  const at::Tensor mean = at::tensor({0.48145466f, 0.4578275f, 0.40821073f}).view({1, 3, 1, 1});
  const at::Tensor deviation = at::tensor({0.26862954f, 0.26130258f, 0.27577711f}).view({1, 3, 1, 1});
  return (images - mean) / deviation;
}

void load_judge(const std::filesystem::path& folder, ClipVisionModel& vision, AttributeHeads& attributes) {
  load_parameters(vision, open_component_weights(folder, "model", at::kFloat), at::kCPU, at::kFloat);
  load_parameters(attributes, open_component_weights(folder / "attributes", "model", at::kFloat), at::kCPU,
                  at::kFloat);
}

ImageJudge::ImageJudge(const std::filesystem::path& folder, const Catalogue& catalogue)
    : vision_(ClipVisionConfig::from_json(read_json_object(folder / "config.json"))),
      attributes_(catalogue, vision_.config.projection_dim) {
  load_judge(folder, vision_, attributes_);
}

at::Tensor ImageJudge::embed(const at::Tensor& images) const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> embeds;
  for (const at::Tensor& batch : images.split(kBatchSize))
    embeds.push_back(vision_.forward(clip_pixel_values(batch)));
  const at::Tensor all = at::cat(embeds);
  return all / all.norm(2, {-1}, /*keepdim=*/true).clamp_min(1e-6);
}

}  // namespace ziplora::mini
