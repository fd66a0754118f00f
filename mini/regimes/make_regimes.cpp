#include "mini/regimes/make_regimes.h"

#include <fmt/format.h>

#include "mini/regimes/regime_manifest.h"
#include "mini/regimes/regime_plan.h"
#include "mini/regimes/regime_together.h"
#include "mini/regimes/regime_world.h"
#include "mini/regimes/trainings_progress.h"
#include "mini/report/claimed_folder.h"
#include "mini/report/lora_folder.h"
#include "mini/report/train_once.h"
#include "ziplora/app/train_settings.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"

namespace ziplora::mini {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json with(json settings, const json& in_place) {
  settings.update(in_place);
  return settings;
}

/// What the folder's files come from, but for which of the trainings were asked for.
json recipe_of(const RegimesRequest& request, const World& world) {
  const Catalogue& catalogue = world.catalogue();
  const auto settings = [&](const json& recipe) {
    return to_json(resolve_train_settings(request.base, with(recipe, request.settings)));
  };
  json recipe{{"half", request.half == Purpose::kReport ? "report" : "development"},
              {"base", weights_of(request.base)},
              {"settings",
               {{"subject", settings(json::object())},
                {"style, one image", settings(style_settings())},
                {"style, many images", settings(many_images_settings())}}}};
  for (const int subject : regime_subjects(catalogue, request.half))
    recipe["subjects"].push_back(catalogue.subjects[subject].id);
  for (const int subject : turned_subjects_of_half(turned_subjects(world), request.half))
    recipe["turned_subjects"].push_back(catalogue.subjects[subject].id);
  for (const int style : regime_styles(catalogue, request.half))
    recipe["styles"].push_back(catalogue.styles[style].id);
  return recipe;
}

std::vector<std::string> names_of(const RegimesRequest& request) {
  std::vector<std::string> names = request.regimes;
  if (names.empty())
    for (const Regime& regime : regimes()) names.emplace_back(regime.name);
  return names;
}

/// Draws and trains what is not yet in the folder.
class RegimesFolder {
 public:
  RegimesFolder(const RegimesRequest& request, const World& world, ProgressSink& progress,
                const CancelToken& cancel)
      : request_(request),
        world_(world),
        progress_(progress),
        cancel_(cancel),
        plan_(plan_regimes(world, request.half)),
        names_(names_of(request)) {
    if (request.together) together_ = trained_together(plan_, names_, request.subjects);
  }

  RegimesResult make() {
    draw_truths();
    write_manifest();
    const std::vector<const PlannedLora*> todo = trainings_of_shard();
    RegimesResult result{.manifest = manifest_file()};
    int64_t iterations = 0;
    for (const PlannedLora* lora : todo) iterations += iterations_of(*lora);
    TrainingsProgress progress(progress_, iterations);
    for (const PlannedLora* lora : todo) {
      progress_.note(fmt::format("{}  (LoRA {} of {})", lora->name, ++result.trained, todo.size()));
      draw_images(*lora);
      train(*lora, progress);
      write_manifest();
      progress.add_done(iterations_of(*lora));
    }
    for (const std::vector<PlannedLora>* loras : {&plan_.subjects, &plan_.styles})
      for (const PlannedLora& lora : *loras) {
        result.planned += !lora.images.empty();
        result.loras += is_trained(lora);
      }
    for (const PlannedLora& lora : together_) {
      ++result.planned;
      result.loras += is_trained(lora);
    }
    result.pairs = pairs_ready(plan_, request_.output);
    return result;
  }

 private:
  fs::path manifest_file() const { return request_.output / "manifest.json"; }
  bool is_trained(const PlannedLora& lora) const { return fs::exists(request_.output / lora_path(lora)); }

  /// In the order of the plan. Another process's are left out, whether or not they are there.
  std::vector<const PlannedLora*> trainings_of_shard() const {
    std::vector<const PlannedLora*> planned = planned_trainings(plan_, names_, request_.subjects);
    for (const PlannedLora& lora : together_) planned.push_back(&lora);
    std::vector<const PlannedLora*> result;
    for (size_t i = 0; i < planned.size(); ++i)
      if (request_.shard.takes(i) && !is_trained(*planned[i])) result.push_back(planned[i]);
    return result;
  }

  void draw_truths() const {
    fs::create_directories(request_.output / "truths");
    for (const PlannedPair& pair : plan_.pairs)
      for (const std::optional<SceneContent>& truth : pair.truths) {
        if (!truth) continue;
        const fs::path file = request_.output / truth_path(world_.catalogue(), *truth);
        if (!fs::exists(file)) write_png(file, world_.true_scene(*truth));
      }
  }

  void draw_images(const PlannedLora& lora) const {
    const fs::path folder = request_.output / images_path(lora);
    fs::create_directories(folder);
    for (const PlannedImage& image : lora.images) {
      write_png(folder / (image.stem + ".png"), image.seed
                                                    ? world_.evaluation_scene(image.content, *image.seed)
                                                    : world_.true_scene(image.content));
      write_text_file(folder / (image.stem + ".txt"), image.caption + "\n");
    }
  }

  json settings_of(const PlannedLora& lora) const { return with(lora.settings, request_.settings); }

  int64_t iterations_of(const PlannedLora& lora) const {
    return resolve_train_settings(request_.base, settings_of(lora)).iterations;
  }

  void train(const PlannedLora& lora, ProgressSink& progress) {
    TrainRequest train;
    train.images = {request_.output / images_path(lora)};
    train.prompt = lora.instance_prompt;
    train.output = request_.output / lora_path(lora);
    train.base = request_.base;
    train.settings = settings_of(lora);
    train.run_folder = request_.output / "runs" / lora.stem();
    fs::create_directories(train.output.parent_path());
    train_once(train, progress, cancel_);
  }

  void write_manifest() const {
    write_json_file(manifest_file(), manifest_of(plan_, world_.catalogue(), request_.output, request_.scope));
    if (!request_.together) return;
    ManifestScope scope = request_.scope;
    scope.together = true;
    write_json_file(request_.output / "together.json",
                    manifest_of(plan_, world_.catalogue(), request_.output, scope));
  }

  const RegimesRequest& request_;
  const World& world_;
  ProgressSink& progress_;
  const CancelToken& cancel_;
  const RegimePlan plan_;
  const std::vector<std::string> names_;
  std::vector<PlannedLora> together_;
};

}  // namespace

json to_json(const RegimesResult& result) {
  return {{"manifest", result.manifest.string()},
          {"trained", result.trained},
          {"loras", result.loras},
          {"planned", result.planned},
          {"pairs", result.pairs}};
}

RegimesResult make_regimes(const RegimesRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  for (const std::string& name : request.regimes) find_regime(name);
  const World world = open_regime_world(request.world, progress, cancel);
  claim_folder(request.output, recipe_of(request, world), "regimes");
  try {
    return RegimesFolder(request, world, progress, cancel).make();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted) throw;
    throw Error(
        error.kind(), "regimes", error.problem(),
        fmt::format("run the same command again: what {} holds is not made again", request.output.string()));
  }
}

}  // namespace ziplora::mini
