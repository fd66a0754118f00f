#include "mini/report/base_report.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <algorithm>

#include "mini/judge/frechet_distance.h"
#include "mini/judge/image_judge.h"
#include "mini/pretrain/mini_config.h"
#include "mini/report/base_measures.h"
#include "mini/report/through_autoencoder.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/models/sdxl.h"
#include "ziplora/pipeline/contact_sheet.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora::mini {
namespace {

constexpr int64_t kSheetRows = 8, kScenesOfARow = 3, kBatchSize = 8;

/// The same scenes, drawn three times: what the autoencoder makes of the artists' images is the most that
/// the UNet can reach.
struct DrawnScenes {
  std::vector<std::string> captions;
  std::vector<SceneContent> contents;
  at::Tensor by_base, by_artist, by_autoencoder;  // [N, 3, S, S] float32 in 0…1
};

DrawnScenes draw_scenes(const World& world, Split split, const Sdxl& base, const BaseReportRequest& request,
                        ProgressSink& progress, const CancelToken& cancel) {
  DrawnScenes scenes;
  std::vector<ImageRow> rows;
  std::vector<at::Tensor> by_artist;
  for (int64_t i = 0; i < request.scenes; ++i) {
    const SceneContent content = world.describe(static_cast<uint64_t>(i), split).content;
    const uint64_t seed = derive_seed(request.seed, "base report " + std::to_string(i));
    scenes.contents.push_back(content);
    scenes.captions.push_back(world.caption(content));
    rows.push_back(
        {.prompt = scenes.captions.back(), .negative_prompt = {}, .seed = seed, .adapter_weights = {}});
    by_artist.push_back(world.evaluation_scene(content, seed));
  }
  SamplingOptions sampling;
  sampling.steps = request.steps;
  sampling.guidance_scale = request.guidance_scale;
  sampling.guidance_rescale = request.guidance_rescale;
  sampling.batch_size = kBatchSize;
  scenes.by_base = TextToImage(base).run(rows, sampling, progress, cancel).images;
  scenes.by_artist = at::stack(by_artist);
  scenes.by_autoencoder = through_autoencoder(base.vae, scenes.by_artist);
  return scenes;
}

/// Only scenes with a second object can show that it is there.
AttributeLabels labels_asked_for(const Catalogue& catalogue, const DrawnScenes& scenes) {
  AttributeLabels labels = attribute_labels(catalogue, scenes.contents);
  at::Tensor& second = labels.at("second_subject");
  second = at::where(second.gt(0), second, kNoLabel);
  return labels;
}

std::map<std::string, std::optional<double>> recognised(const ImageJudge& judge, const at::Tensor& embeds,
                                                        const AttributeLabels& labels) {
  std::map<std::string, std::optional<double>> shares;
  for (const auto& [attribute, share] : attribute_accuracy(judge.logits(embeds), labels)) {
    const bool asked = labels.at(attribute).ne(kNoLabel).any().item<bool>();
    shares[attribute] = asked ? std::optional(share) : std::nullopt;
  }
  return shares;
}

/// Which subjects and styles fail, and for which others they stand in.
std::vector<JudgedScene> taken_for(const ImageJudge& judge, const Catalogue& catalogue,
                                   const DrawnScenes& scenes, const at::Tensor& embeds) {
  const auto logits = judge.logits(embeds);
  const at::Tensor subjects = logits.at("subject").argmax(1), styles = logits.at("style").argmax(1);
  std::vector<JudgedScene> result;
  for (int64_t i = 0; i < embeds.size(0); ++i) {
    const SceneContent& asked = scenes.contents[static_cast<size_t>(i)];
    result.push_back({.prompt = scenes.captions[static_cast<size_t>(i)],
                      .subject = catalogue.subjects[asked.subject].id,
                      .style = catalogue.styles[asked.style].id,
                      .taken_for_subject = catalogue.subjects[subjects[i].item<int64_t>()].id,
                      .taken_for_style = catalogue.styles[styles[i].item<int64_t>()].id});
  }
  return result;
}

/// Of scenes with a second object, the share whose image is nearer in the judge's eyes to true scenes with it
/// than to the same without it; nothing if there are no such scenes.
std::optional<double> second_is_present(const ImageJudge& judge, const World& world,
                                        const DrawnScenes& scenes, const at::Tensor& embeds, uint64_t seed) {
  constexpr int64_t kTrueScenes = 4;  // placed differently
  int64_t asked = 0, present = 0;
  for (size_t i = 0; i < scenes.contents.size(); ++i) {
    const SceneContent& with = scenes.contents[i];
    if (with.second_subject < 0) continue;
    SceneContent without = with;
    without.second_subject = -1;
    std::vector<at::Tensor> images;
    for (const SceneContent& content : {with, without})
      for (int64_t k = 0; k < kTrueScenes; ++k)
        images.push_back(
            world.evaluation_scene(content, derive_seed(seed, fmt::format("present {} {}", i, k))));
    const at::Tensor near =
        at::matmul(judge.embed(at::stack(images)), embeds[static_cast<int64_t>(i)]).view({2, kTrueScenes});
    const at::Tensor best = near.amax(1);
    ++asked;
    present += best[0].item<float>() > best[1].item<float>();
  }
  if (asked == 0) return std::nullopt;
  return static_cast<double>(present) / static_cast<double>(asked);
}

void write_sheet(const std::filesystem::path& path, const DrawnScenes& scenes) {
  ContactSheet sheet;
  sheet.cell_pixels = 128;
  for (int64_t i = 0; i < kScenesOfARow; ++i)
    sheet.column_labels.insert(sheet.column_labels.end(), {"base", "artist"});
  const int64_t rows = std::min(kSheetRows, scenes.by_base.size(0) / kScenesOfARow);
  for (int64_t row = 0; row < rows; ++row) {
    std::string label;
    for (int64_t i = row * kScenesOfARow; i < (row + 1) * kScenesOfARow; ++i) {
      label += (label.empty() ? "" : " | ") + scenes.captions[static_cast<size_t>(i)];
      sheet.cells.push_back(scenes.by_base[i]);
      sheet.cells.push_back(scenes.by_artist[i]);
    }
    sheet.row_labels.push_back(label);
  }
  if (rows > 0) write_png(path, draw_contact_sheet(sheet), {});
}

std::map<std::string, ScenesBy> report_split(const DrawnScenes& scenes, const ImageJudge& judge,
                                             const World& world, uint64_t seed) {
  const AttributeLabels labels = labels_asked_for(world.catalogue(), scenes);
  const at::Tensor real = judge.embed(scenes.by_artist);
  std::map<std::string, ScenesBy> split;
  for (const auto& [who, images] : {std::pair("base", &scenes.by_base),
                                    {"autoencoder", &scenes.by_autoencoder},
                                    {"artist", &scenes.by_artist}}) {
    const at::Tensor embeds = judge.embed(*images);
    ScenesBy& by = split[who];
    by.recognised = recognised(judge, embeds, labels);
    by.recognised["second_subject_present"] = second_is_present(judge, world, scenes, embeds, seed);
    by.images = taken_for(judge, world.catalogue(), scenes, embeds);
    if (images != &scenes.by_artist) by.frechet_distance = frechet_distance(embeds, real);
  }
  return split;
}

nlohmann::json to_json(const std::vector<JudgedScene>& images) {
  nlohmann::json json = nlohmann::json::array();
  for (const JudgedScene& image : images)
    json.push_back({{"prompt", image.prompt},
                    {"subject", image.subject},
                    {"style", image.style},
                    {"taken_for", {{"subject", image.taken_for_subject}, {"style", image.taken_for_style}}}});
  return json;
}

}  // namespace

nlohmann::json to_json(const BaseReport& report) {
  const BaseReportRequest& request = report.request;
  nlohmann::json json = {{"base", request.base.string()},
                         {"judge", request.judge.string()},
                         {"scenes", request.scenes},
                         {"steps", request.steps},
                         {"validation_scenes", request.validation_scenes},
                         {"guidance_scale", request.guidance_scale},
                         {"guidance_rescale", request.guidance_rescale},
                         {"seed", request.seed},
                         {"parts", to_json(report.parts)}};
  for (const auto& [name, split] : report.splits)
    for (const auto& [who, scenes] : split) {
      for (const auto& [attribute, share] : scenes.recognised)
        json[name][who][attribute] = share ? nlohmann::json(*share) : nlohmann::json();
      if (scenes.frechet_distance) json[name]["frechet_distance"][who] = *scenes.frechet_distance;
      json[name]["images"][who] = to_json(scenes.images);
    }
  return json;
}

BaseReport run_base_report(const BaseReportRequest& request, ProgressSink& progress,
                           const CancelToken& cancel) {
  if (request.scenes < 2)
    throw Error(ErrorKind::kUsage, "report", fmt::format("{} scenes are asked for", request.scenes),
                "--scenes takes 2 or more; 200 give figures to about 3 %");
  const ImageJudge judge(request.judge, Catalogue::read(request.world.assets));  // first: it may be missing
  World::prepare(request.world.assets, request.world.cache, progress, cancel);
  const World world(request.world.assets, request.world.cache, kImageSize);
  const std::unique_ptr<Sdxl> base = load_sdxl(request.base, {}, progress);
  std::filesystem::create_directories(request.output);

  BaseReport report{
      .request = request,
      .parts = measure_base(request.base, request.validation_scenes, judge, world, progress, cancel),
      .splits = {}};
  for (const auto& [name, split] :
       {std::pair("seen", Split::kValidation), {"held_out_pairs", Split::kHeldOutPairs}}) {
    const DrawnScenes scenes = draw_scenes(world, split, *base, request, progress, cancel);
    report.splits[name] = report_split(scenes, judge, world, request.seed);
    write_sheet(request.output / (std::string(name) + ".png"), scenes);
  }
  write_json_file(request.output / "report.json", to_json(report));
  return report;
}

}  // namespace ziplora::mini
