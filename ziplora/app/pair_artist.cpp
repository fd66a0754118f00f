#include "ziplora/app/pair_artist.h"

#include <chrono>

#include "ziplora/app/dressed_base.h"
#include "ziplora/app/generate_settings.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/io/image_file.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {
namespace {

nlohmann::json sampling_settings(const EvaluateRequest& request) {
  const SamplingOptions& sampling = request.sampling;
  return {{"steps", sampling.steps},
          {"guidance_scale", sampling.guidance_scale},
          {"guidance_rescale", sampling.guidance_rescale},
          {"scheduler", sampling.scheduler},
          {"karras", sampling.karras_sigmas},
          {"height", sampling.height},
          {"width", sampling.width},
          {"vae_tiling", sampling.vae_tiling},
          {"dtype", dtype_name(request.policy.dtype)}};
}

}  // namespace

PairArtist::PairArtist(const EvaluateRequest& request, const EvidenceFolder& folder, SharedBase& base,
                       ProgressSink& progress, const CancelToken& cancel)
    : request_(request), folder_(folder), base_(base), progress_(progress), cancel_(cancel) {}

std::filesystem::path PairArtist::file(const Costume& costume, const PromptAndSeed& image) {
  nlohmann::json adapters = nlohmann::json::array();
  for (const AdapterChoice& choice : costume.adapters)
    adapters.push_back({costume.merge.empty() ? base_.sha256_of(choice.file) : costume.merge, choice.strength,
                        name_of(choice.role)});
  const nlohmann::json options =
      resolve_options(strategy_option_table(), costume.strategy, costume.strategy_options);
  return folder_.image(EvidenceFolder::key_of({{"base", base_.sha256()},
                                               {"adapters", adapters},
                                               {"style_strength", costume.style_strength},
                                               {"strategy", costume.strategy},
                                               {"strategy_options", options},
                                               {"sampling", sampling_settings(request_)},
                                               {"prompt", image.prompt},
                                               {"seed", image.seed}}));
}

bool PairArtist::has(const Costume& costume, const PromptAndSeed& image) {
  return std::filesystem::exists(file(costume, image));
}

GenerateRequest PairArtist::generate_request(const Costume& costume, const PromptAndSeed& image) {
  return {.prompts = {image.prompt},
          .adapter_sets = {{costume.adapters, {}}},
          .strategy = costume.strategy,
          .strategy_options = costume.strategy_options,
          .style_strength = costume.style_strength,
          .seed = image.seed,
          .sampling = request_.sampling,
          .base = request_.base,
          .policy = request_.policy,
          .output = file(costume, image)};
}

PairArtist::Drawn PairArtist::draw(const Costume& costume, std::vector<PromptAndSeed> images) {
  std::erase_if(images, [&](const PromptAndSeed& image) { return has(costume, image); });
  if (images.empty()) return {};
  const DressedBase dressed(*base_.sdxl(), generate_request(costume, images.front()), progress_);
  std::vector<ImageRow> rows;
  for (const PromptAndSeed& image : images) {
    rows.push_back({image.prompt, {}, image.seed, {}});
    if (!dressed.adapters().empty()) rows.back().adapter_weights = dressed.adapters().weights(0);
  }
  const auto started = std::chrono::steady_clock::now();
  const GeneratedImages made = dressed.artist().run(rows, request_.sampling, progress_, cancel_);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

  StringMap digests;
  for (const AdapterChoice& choice : costume.adapters)
    digests[choice.file.string()] = base_.sha256_of(choice.file);
  for (size_t i = 0; i < images.size(); ++i) {
    const GenerateRequest own = generate_request(costume, images[i]);
    const at::Tensor image = made.images[static_cast<int64_t>(i)];
    write_png(own.output, image, image_text(own, digests, rows[i], own.adapter_sets[0], 0, image));
  }
  return {images.size(), seconds};
}

}  // namespace ziplora
