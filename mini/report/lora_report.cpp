#include "mini/report/lora_report.h"

#include <fmt/format.h>

#include <optional>

#include "mini/judge/image_judge.h"
#include "mini/pretrain/mini_config.h"
#include "mini/report/lora_folder.h"
#include "mini/report/lora_groups.h"
#include "mini/report/lora_questions.h"
#include "mini/report/train_once.h"
#include "ziplora/app/generate.h"
#include "ziplora/app/merge.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"

namespace ziplora::mini {
namespace {

namespace fs = std::filesystem;

/// "zip", "zip, style × 1.5": the images of merges by one method at one style strength.
std::string merge_group(const std::string& method, double style_strength) {
  return style_strength == 1 ? method : fmt::format("{}, style × {}", method, style_strength);
}

/// What draws: the base, or an adapter on it.
struct Drawer {
  std::optional<fs::path> adapter = {};
  double style_strength = 1;
};

/// Trains, merges and draws what is not yet in the folder, and judges it.
class LoraReport {
 public:
  LoraReport(const LoraReportRequest& request, ProgressSink& progress, const CancelToken& cancel)
      : request_(request),
        progress_(progress),
        cancel_(cancel),
        world_(request.world.assets, request.world.cache, kImageSize),
        catalogue_(world_.catalogue()),
        judge_(request.judge, catalogue_),
        marker_(world_, judge_, request.seed) {}

  LoraReportResult run() {
    const std::vector<int> subjects = held_out(catalogue_.subjects, request_.subjects);
    const std::vector<int> styles = held_out(catalogue_.styles, -1);
    for (int subject : subjects) report_subject(subject);
    for (int style : styles) report_style(style);
    for (int subject : subjects)
      for (int style : styles)
        if (world_.has_drawing(subject, style)) report_merges(subject, style);
    write_png(request_.output / "overview.png", draw_contact_sheet(overview_.sheet(catalogue_, subjects)),
              {});
    LoraReportResult result{groups_.summaries()};
    for (const auto& [name, _] : result.groups)
      write_png(request_.output / (name + ".png"), draw_contact_sheet(groups_.sheet(name)), {});
    return result;
  }

 private:
  template <typename Thing>
  std::vector<int> held_out(const std::vector<Thing>& things, int64_t most) const {
    std::vector<int> result;
    for (size_t i = 0; i < things.size() && static_cast<int64_t>(result.size()) != most; ++i)
      if (things[i].purpose == request_.half) result.push_back(static_cast<int>(i));
    return result;
  }

  fs::path lora_of(const std::string& id) const { return lora_file(request_.output, id); }

  fs::path images_of(const std::string& id) const {
    fs::create_directories(request_.output / "images" / id);
    return request_.output / "images" / id;
  }

  void report_subject(int subject) {
    const Subject& what = catalogue_.subjects[subject];
    const fs::path images = images_of(what.id);
    for (const auto& [stem, content] : shown_scenes(world_, subject)) {
      write_png(images / (stem + ".png"), world_.evaluation_scene(content, derive_seed(request_.seed, stem)),
                {});
      overview_.show("one of five", subject, read_image(images / (stem + ".png")));
      write_text_file(images / (stem + ".txt"), world_.caption(content, subject_name(what)) + "\n");
    }
    train(images, subject_name(what), what.id);
    const std::vector<Question> questions = questions_of_subject(world_, subject);
    const Drawer lora{lora_of(what.id)};
    ask("base alone", questions, {}, what.id);
    overview_.show("subject's LoRA", subject, ask("subject alone", questions, lora, what.id));
    ask("others beside the subject", questions_of_others(world_), lora, what.id);
  }

  void report_style(int style) {
    const Style& how = catalogue_.styles[style];
    const fs::path images = images_of(how.id);
    const SceneContent shown = shown_scene_of_style(world_, style);
    write_png(images / "1.png", world_.evaluation_drawing(shown.subject, style), {});
    train(images, world_.caption(shown, "", kStyleName), how.id, style_settings());
    ask("style alone", questions_of_style(world_, style, kStyleName), {lora_of(how.id)}, how.id);
  }

  void report_merges(int subject, int style) {
    const std::string both = catalogue_.subjects[subject].id + "." + catalogue_.styles[style].id;
    const std::vector<Question> questions = questions_of_merge(world_, subject, style);
    for (const char* method : {"direct", "zip"}) {
      const fs::path merged = lora_of(both + "." + method);
      if (!fs::exists(merged)) merge(subject, style, method, merged);
      for (const double strength : request_.style_strengths) {
        const std::string group = merge_group(method, strength);
        const at::Tensor image = ask(group, questions, {merged, strength}, both);
        if (strength == request_.style_strengths.front())
          overview_.show(catalogue_.styles[style].id + ", " + group, subject, image);
      }
    }
  }

  /// @param settings  in place of the base's defaults; those of the request win over them
  void train(const fs::path& images, const std::string& prompt, const std::string& id,
             nlohmann::json settings = nlohmann::json::object()) {
    settings.update(request_.settings);
    TrainRequest train;
    train.images = {images};
    train.prompt = prompt;
    train.output = lora_of(id);
    train.base = request_.base;
    train.settings = settings;
    train.run_folder = request_.output / "runs" / id;
    train_once(train, progress_, cancel_);
  }

  void merge(int subject, int style, const std::string& method, const fs::path& merged) {
    MergeRequest merge;
    merge.inputs.resize(2);
    merge.inputs[0].path = lora_of(catalogue_.subjects[subject].id), merge.inputs[0].role = Role::kSubject;
    merge.inputs[1].path = lora_of(catalogue_.styles[style].id), merge.inputs[1].role = Role::kStyle;
    merge.method = method;
    if (method == "zip") merge.options = request_.zip_options;
    merge.base = request_.base;
    merge.output = merged;
    run_merge(merge, progress_, cancel_);
  }

  void draw(const std::vector<Question>& questions, const Drawer& drawer, const fs::path& output) {
    GenerateRequest generate;
    for (const Question& question : questions) generate.prompts.push_back(question.prompt);
    if (drawer.adapter) generate.adapter_sets[0].adapters = {{.file = *drawer.adapter}};
    generate.style_strength = drawer.style_strength;
    generate.seed = request_.seed;
    generate.sampling.steps = request_.steps;
    generate.sampling.batch_size = 8;
    generate.sampling.guidance_scale = kGuidanceScale;
    generate.base = request_.base;
    generate.output = output;
    fs::create_directories(output.parent_path());
    run_generate(generate, progress_, cancel_);
  }

  /// Draws what the questions ask for, unless all of it lies there, and judges it as images of the group.
  /// @param stem  of the images' files
  /// @return the first of the images; undefined if there are none
  at::Tensor ask(const std::string& group, const std::vector<Question>& questions, const Drawer& drawer,
                 const std::string& stem) {
    if (questions.empty()) return {};
    const fs::path output = request_.output / "drawn" / group / (stem + ".png");
    const auto file = [&](size_t i) { return image_file(output, i, questions.size()); };
    bool drawn_before = true;
    for (size_t i = 0; i < questions.size(); ++i) drawn_before = drawn_before && fs::exists(file(i));
    if (!drawn_before) draw(questions, drawer, output);
    for (size_t i = 0; i < questions.size(); ++i) {
      const auto& [prompt, content] = questions[i];
      const at::Tensor drawn = read_image(file(i));
      groups_.add(group, {.prompt = prompt,
                          .style = catalogue_.styles[content.style].id,
                          .drawn = drawn,
                          .truth = marker_.true_scene(content),
                          .marks = marker_.marks_of(drawn, content),
                          .artist_marks = marker_.marks_of(marker_.true_scene(content, 1), content)});
    }
    return read_image(file(0));
  }

  const LoraReportRequest& request_;
  ProgressSink& progress_;
  const CancelToken& cancel_;
  World world_;
  const Catalogue& catalogue_;
  ImageJudge judge_;
  SceneMarker marker_;
  LoraGroups groups_;
  Overview overview_;
};

}  // namespace

nlohmann::json to_json(const LoraReportResult& result) {
  nlohmann::json json;
  for (const auto& [name, group] : result.groups)
    json[name] = {{"base", group.base},
                  {"artist", group.artist},
                  {"by_style", group.by_style},
                  {"images", group.images}};
  return json;
}

LoraReportResult run_lora_report(const LoraReportRequest& request, ProgressSink& progress,
                                 const CancelToken& cancel) {
  claim_lora_report_folder(request);
  World::prepare(request.world.assets, request.world.cache, progress, cancel);
  try {
    LoraReportResult result = LoraReport(request, progress, cancel).run();
    write_json_file(request.output / "loras.json", to_json(result));
    return result;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted) throw;
    throw Error(
        error.kind(), "report --loras", error.problem(),
        fmt::format("run the same command again: what {} holds is not made again", request.output.string()));
  }
}

}  // namespace ziplora::mini
