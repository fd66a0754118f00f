#include "mini/report/base_measures.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mini/pretrain/contrastive_loss.h"
#include "mini/pretrain/unet_validation.h"
#include "mini/report/through_autoencoder.h"
#include "mini/world/captions.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora::mini {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kCaptions = 200, kSteps = 25;

double seconds_of(const std::function<void()>& work) {
  const auto started = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

uintmax_t bytes_of(const fs::path& folder) {
  uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

std::map<std::string, AutoencoderMeasure> autoencoder_measures(const AutoencoderKL& vae, const World& world) {
  const at::NoGradGuard no_grad;
  const Catalogue& catalogue = world.catalogue();
  std::map<std::string, AutoencoderMeasure> result;
  for (size_t style = 0; style < catalogue.styles.size(); ++style) {
    if (!catalogue.styles[style].filter.empty()) continue;  // computed from an artist's drawings
    std::vector<at::Tensor> drawings;
    for (size_t subject = 0; subject < catalogue.subjects.size(); ++subject)
      if (catalogue.subjects[subject].purpose != Purpose::kTraining &&
          world.has_drawing(static_cast<int>(subject), static_cast<int>(style)))
        drawings.push_back(world.evaluation_drawing(static_cast<int>(subject), static_cast<int>(style)));
    if (drawings.empty()) continue;
    const at::Tensor images = at::stack(drawings);
    const at::Tensor decoded = through_autoencoder(vae, images);
    const at::Tensor mse = (decoded - images).pow(2).mean({1, 2, 3});
    const at::Tensor colour = (decoded.mean({2, 3}) - images.mean({2, 3})).abs();
    result[catalogue.styles[style].id] = {.drawings = drawings.size(),
                                          .psnr_db = (-10 * mse.log10()).mean().item<double>(),
                                          .colour_error = colour.mean().item<double>()};
  }
  return result;
}

double nearest_caption_share(const Sdxl& base, const ImageJudge& judge, const World& world,
                             ProgressSink& progress) {
  const at::NoGradGuard no_grad;
  const SceneBatch batch = world.sample_batch(0, kCaptions, Split::kValidation);
  return own_caption_nearest(judge.embed(batch.images),
                             base.encode_prompt(batch.captions, progress).pooled_prompt_embeds,
                             batch.captions);
}

/// How far "…, in <style>" moves a prompt's pooled embedding, as a share of its norm; mean over the styles.
double movement_by(const std::vector<std::string>& styles, const Sdxl& base, ProgressSink& progress) {
  const at::NoGradGuard no_grad;
  const std::string plain = "a cat face";
  std::vector<std::string> prompts{plain};
  for (const std::string& style : styles) prompts.push_back(plain + ", in " + style);
  const at::Tensor pooled = base.encode_prompt(prompts, progress).pooled_prompt_embeds;
  const at::Tensor moved = (pooled.narrow(0, 1, pooled.size(0) - 1) - pooled[0]).norm(2, 1);
  return (moved / pooled[0].norm()).mean().item<double>();
}

/// A LoRA can be called by words that the text encoders read, and by no others.
PromptMovement style_words_read(const Sdxl& base, const Catalogue& catalogue, ProgressSink& progress) {
  std::vector<std::string> known, invented;
  for (const Style& style : catalogue.styles)
    if (style.purpose == Purpose::kTraining) known.push_back(style.phrases.front());
  for (const std::string& word : rare_words()) invented.push_back(word + " style");
  return {.known = movement_by(known, base, progress), .invented = movement_by(invented, base, progress)};
}

double seconds_of_one_image(const Sdxl& base, const CancelToken& cancel) {
  SamplingOptions sampling;
  sampling.steps = kSteps;
  sampling.guidance_scale = 5;
  const std::vector<ImageRow> rows{
      {.prompt = "a red apple", .negative_prompt = {}, .seed = 0, .adapter_weights = {}}};
  NullProgress quiet;
  const TextToImage pipeline(base);
  pipeline.run(rows, sampling, quiet, cancel);  // the first allocates what later ones use again
  return seconds_of([&] { pipeline.run(rows, sampling, quiet, cancel); });
}

}  // namespace

nlohmann::json to_json(const BaseMeasures& measures) {
  nlohmann::json json = {
      {"bytes", measures.bytes},
      {"load_seconds", measures.load_seconds},
      {"seconds_per_image", measures.seconds_per_image},
      {"autoencoder", nlohmann::json()},
      {"nearest_caption",
       {{"captions", measures.nearest_caption.captions}, {"share", measures.nearest_caption.share}}},
      {"prompt_moved_by_style",
       {{"known", measures.prompt_moved_by_style.known},
        {"invented", measures.prompt_moved_by_style.invented}}}};
  for (const auto& [artist, measure] : measures.autoencoder)
    json["autoencoder"][artist] = {
        {"drawings", measure.drawings}, {"psnr_db", measure.psnr_db}, {"colour_error", measure.colour_error}};
  for (const auto& [timestep, error] : measures.unet_error)
    json["unet_error"][std::to_string(timestep)] = error;
  return json;
}

BaseMeasures measure_base(const fs::path& folder, int64_t validation_scenes, const ImageJudge& judge,
                          const World& world, ProgressSink& progress, const CancelToken& cancel) {
  BaseMeasures parts;
  parts.bytes = bytes_of(folder);
  NullProgress quiet;            // what is timed reports nothing
  load_sdxl(folder, {}, quiet);  // into the page cache
  std::unique_ptr<Sdxl> base;
  parts.load_seconds = seconds_of([&] { base = load_sdxl(folder, {}, quiet); });
  Stage stage(progress, "the base's parts", 5);
  parts.seconds_per_image = seconds_of_one_image(*base, cancel);
  stage.step();
  parts.autoencoder = autoencoder_measures(base->vae, world);
  stage.step();
  cancel.throw_if_cancelled("report");
  parts.nearest_caption = {.captions = kCaptions,
                           .share = nearest_caption_share(*base, judge, world, progress)};
  stage.step();
  parts.prompt_moved_by_style = style_words_read(*base, world.catalogue(), progress);
  stage.step();
  parts.unet_error = unet_validation_error(*base, world, validation_scenes);
  stage.step();
  return parts;
}

}  // namespace ziplora::mini
