#include "ziplora/train/prior_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/rng.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora {
namespace {

constexpr int64_t kImagesPerPass = 4;  // Ctrl-C loses at most so many

/// Everything that an image depends on but its number.
nlohmann::json settings_of(const Sdxl& base, const PriorImageOptions& options) {
  return {{"base", base.path.string()}, {"class_prompt", options.class_prompts},
          {"steps", options.steps},     {"guidance_scale", options.guidance_scale},
          {"height", options.height},   {"width", options.width},
          {"seed", options.seed}};
}

}  // namespace

std::vector<std::filesystem::path> prior_images(const Sdxl& base, const PriorImageOptions& options,
                                                const std::filesystem::path& folder, ProgressSink& progress,
                                                const CancelToken& cancel) {
  std::filesystem::create_directories(folder);
  const nlohmann::json settings = settings_of(base, options);
  const std::filesystem::path settings_path = folder / "settings.json";
  const bool reusable =
      std::filesystem::exists(settings_path) &&
      json_line(parse_json(read_file(settings_path)).value_or(nullptr)) == json_line(settings);

  std::vector<std::filesystem::path> paths;
  for (int64_t i = 0; i < options.count; ++i) {
    paths.push_back(folder / fmt::format("{:04}.png", i));
    if (!reusable) std::filesystem::remove(paths.back());
  }
  if (!reusable) write_json_file(settings_path, settings);
  const auto is_missing = [](const std::filesystem::path& path) { return !std::filesystem::exists(path); };
  if (std::ranges::none_of(paths, is_missing)) return paths;

  const TextToImage pipeline(base);
  Stage stage(progress, "class images", options.count);
  NullProgress without_denoising_steps;
  SamplingOptions sampling;
  sampling.steps = options.steps;
  sampling.guidance_scale = options.guidance_scale;
  sampling.height = options.height;
  sampling.width = options.width;
  sampling.batch_size = kImagesPerPass;
  for (int64_t first = 0; first < options.count; first += kImagesPerPass) {
    cancel.throw_if_cancelled("train: class images",
                              "run the same command again: the images drawn so far are kept");
    const std::span pass = std::span(paths).subspan(
        static_cast<size_t>(first), static_cast<size_t>(std::min(kImagesPerPass, options.count - first)));
    // If one image of a pass is missing, the whole pass is drawn: alone, the image would differ in its last
    // bits.
    GeneratedImages drawn;
    if (std::ranges::any_of(pass, is_missing)) {
      std::vector<ImageRow> rows(pass.size());
      for (size_t i = 0; i < pass.size(); ++i) {
        const size_t number = static_cast<size_t>(first) + i;
        rows[i].prompt = options.class_prompts[number % options.class_prompts.size()];
        rows[i].seed = derive_seed(options.seed, fmt::format("class image {}", number));
      }
      drawn = pipeline.run(rows, sampling, without_denoising_steps, cancel);
    }
    for (size_t i = 0; i < pass.size(); ++i) {
      if (is_missing(pass[i]))
        write_png(pass[i], drawn.images[static_cast<int64_t>(i)], {{"parameters", json_line(settings)}});
      stage.step();
    }
  }
  return paths;
}

}  // namespace ziplora
