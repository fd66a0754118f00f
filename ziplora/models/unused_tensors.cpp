#include "ziplora/models/unused_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "ziplora/base/printable.h"

namespace ziplora {
namespace {

/// The last part of a name. CompVis/latent-diffusion ddpm.py registers the schedule's buffers.
constexpr std::string_view kBuffers[] = {"position_ids",
                                         "logit_scale",
                                         "alphas_cumprod",
                                         "alphas_cumprod_prev",
                                         "betas",
                                         "sqrt_alphas_cumprod",
                                         "sqrt_one_minus_alphas_cumprod",
                                         "log_one_minus_alphas_cumprod",
                                         "sqrt_recip_alphas_cumprod",
                                         "sqrt_recipm1_alphas_cumprod",
                                         "posterior_variance",
                                         "posterior_log_variance_clipped",
                                         "posterior_mean_coef1",
                                         "posterior_mean_coef2"};

constexpr std::string_view kWhole[] = {"denoiser.sigmas", "v_pred", "ztsnr"};

/// CLIP ViT-L's, which gives the pooled output that SDXL takes from the second encoder alone.
constexpr std::string_view kFirstEncoder = "conditioner.embedders.0.";

bool is_first_projection(std::string_view name) {
  return name.starts_with(kFirstEncoder) &&
         (name.ends_with(".text_projection") || name.ends_with(".text_projection.weight"));
}

bool is_in_every_checkpoint(std::string_view name) {
  return name == "conditioner.embedders.1.model.logit_scale" || name.ends_with("position_ids") ||
         std::ranges::find(kWhole, name) != std::end(kWhole);
}

}  // namespace

bool is_unused_tensor(const std::string& name) {
  if (std::ranges::find(kWhole, name) != std::end(kWhole) || name.starts_with("model_ema.")) return true;
  const std::string_view last = std::string_view(name).substr(name.rfind('.') + 1);
  return std::ranges::find(kBuffers, last) != std::end(kBuffers) || is_first_projection(name);
}

bool is_unused_by_text_encoder(const std::string& name, bool with_projection) {
  return name.ends_with("position_ids") || name.ends_with("logit_scale") ||
         (!with_projection && name == "text_projection.weight");
}

std::string note_of_unused_tensors(const std::vector<std::string>& names) {
  constexpr size_t kNamed = 3;
  std::vector<std::string> left_out;
  for (const std::string& name : names)
    if (!is_in_every_checkpoint(name)) left_out.push_back(printable(name));
  if (left_out.empty()) return "";
  const size_t count = left_out.size();
  if (count > kNamed) {
    left_out.resize(kNamed);
    left_out.push_back("…");
  }
  return fmt::format(
      "{} left out, which SDXL does not use: {}",
      count == 1 ? "1 tensor of the base is" : fmt::format("{} tensors of the base are", count),
      fmt::join(left_out, ", "));
}

}  // namespace ziplora
