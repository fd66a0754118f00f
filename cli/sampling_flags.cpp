#include "cli/sampling_flags.h"

#include <string>

#include "cli/frame/dtype_flag.h"
#include "ziplora/diffusion/scheduler.h"

namespace ziplora::cli {
namespace {

std::string scheduler_names() {
  std::string names;
  for (const SchedulerEntry& entry : schedulers())
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return names;
}

}  // namespace

void add_sampling_flags(CLI::App& app, SamplingOptions& sampling, DevicePolicy& policy, std::string& device) {
  app.add_option("--steps", sampling.steps, "Denoise in this many steps");
  app.add_option("--guidance-scale", sampling.guidance_scale,
                 "Set the strength of classifier-free guidance; 1 or less turns it off");
  app.add_option("--guidance-rescale", sampling.guidance_rescale,
                 "Reduce overexposure, 0 to 1 (arXiv 2305.08891)");
  app.add_option("--scheduler", sampling.scheduler,
                 "Sample with " + scheduler_names() + "; default: the base's own")
      ->type_name("NAME");
  app.add_flag("--karras,!--no-karras", sampling.karras_sigmas,
               "Space the noise levels as Karras et al. do (arXiv 2206.00364)");
  app.add_flag("--vae-tiling,!--no-vae-tiling", sampling.vae_tiling,
               "Decode large images in tiles: less memory, faint seams");
  app.add_option("--height", sampling.height, "Set the height in pixels; 0: the base's own size");
  app.add_option("--width", sampling.width, "Set the width in pixels; 0: the base's own size");
  app.add_option("--batch-size", sampling.batch_size, "Draw this many images in one forward pass");
  add_dtype_flag(app, "--dtype", policy.dtype, "Run UNet and text encoders in this type");
  app.add_option("--device", device, "Run on this device: cpu, cuda, cuda:1 …")->type_name("DEVICE");
}

}  // namespace ziplora::cli
