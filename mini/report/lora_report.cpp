#include "mini/report/lora_report.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <system_error>

#include "mini/judge/image_judge.h"
#include "mini/pretrain/mini_config.h"
#include "ziplora/app/generate.h"
#include "ziplora/app/merge.h"
#include "ziplora/app/train.h"
#include "ziplora/app/train_settings.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/sha256.h"
#include "ziplora/pipeline/contact_sheet.h"
#include "ziplora/train/checkpoint.h"

namespace ziplora::mini {
namespace {

namespace fs = std::filesystem;

constexpr int kCandidates = 20;
constexpr const char* kRecipeFile = "recipe.json";
constexpr const char* kStyleName = "szn style";
/// Styles of a subject's five images, and those in which its LoRA is asked for other drawings of it.
constexpr std::array kShownStyles = {"noto", "noto", "noto-v1", "fluent-emoji-flat", "fluent-emoji-flat"};
constexpr std::array kShownBackgrounds = {"white", "grass", "white", "blue", "white"};
constexpr std::array kAskedStyles = {"twemoji", "emojione", "blueprint", "watercolour"};
constexpr std::array kAskedBackgrounds = {"white", "night", "green"};
/// Seen subjects that a style's LoRA is asked for, none of them its one image.
constexpr const char* kStyleImage = "fox";
constexpr std::array kAskedSubjects = {"cat-face", "tiger-face", "red-apple", "rocket", "rose", "hamburger"};
constexpr const char* kOthersStyle = "noto";
constexpr double kGuidanceScale = 3;  // at which the recipes were found

/// A style's LoRA learns from one image. Only the layers that read the prompt learn, and they see it in
/// parts, mirrored and large and small: else they would learn the shape of what it shows, or its colours only
/// for what has no colour of its own.
nlohmann::json style_settings() {
  return {{"targets", "cross-attention"}, {"lr", 1e-3}, {"zoom", 2.0}, {"random_flip", true}, {"views", 64}};
}

/// What the LoRAs and images of a report's folder come from, but for how many subjects there are.
nlohmann::json recipe_of(const LoraReportRequest& request) {
  nlohmann::json weights;
  std::error_code missing;  // which is told where the base is read
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(request.base, missing))
    if (entry.path().extension() == ".safetensors")
      weights[fs::relative(entry.path(), request.base).generic_string()] = sha256_of_file(entry.path());
  return {{"half", request.half == Role::kReport ? "report" : "development"},
          {"base", weights},
          {"settings", to_json(resolve_train_settings(request.base, request.settings))},
          {"style_settings", style_settings()},
          {"guidance_scale", kGuidanceScale},
          {"seed", request.seed}};
}

/// "zip", "zip, style × 1.5": the images of merges by one method at one strength of their style side.
std::string merge_group(const std::string& method, double style_strength) {
  return style_strength == 1 ? method : fmt::format("{}, style × {}", method, style_strength);
}

std::string subject_name(const Subject& subject) { return "a sks " + subject.category; }

/// One image that is asked for, and the true scene it should show.
struct Question {
  std::string prompt;
  SceneContent content;
};

class LoraReport {
 public:
  LoraReport(const LoraReportRequest& request, ProgressSink& progress, const CancelToken& cancel)
      : request_(request),
        progress_(progress),
        cancel_(cancel),
        world_(request.world.assets, request.world.cache, kImageSize),
        catalogue_(world_.catalogue()),
        judge_(request.judge, catalogue_) {}

  nlohmann::json run() {
    const std::vector<int> subjects = held_out(catalogue_.subjects, request_.subjects);
    const std::vector<int> styles = held_out(catalogue_.styles, -1);
    for (int subject : subjects) ask_subject(subject);
    for (int style : styles) ask_style(style);
    for (int subject : subjects)
      for (int style : styles)
        if (world_.has_drawing(subject, style)) ask_both(subject, style);
    write_png(request_.output / "overview.png", draw_contact_sheet(overview(subjects)), {});
    nlohmann::json result;
    for (auto& [name, group] : groups_) result[name] = group.summary(name, request_.output);
    return result;
  }

 private:
  /// Marks of several images, by name.
  class Marks {
   public:
    void add(const std::map<std::string, double>& image) {
      for (const auto& [mark, value] : image) values_[mark].push_back(value);
    }
    nlohmann::json means() const {
      nlohmann::json result;
      for (const auto& [mark, values] : values_)
        result[mark] =
            std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
      return result;
    }

   private:
    std::map<std::string, std::vector<double>> values_;
  };

  /// Images of one kind with their marks.
  struct Group {
    Marks base, artist;
    std::map<std::string, Marks> base_by_style;
    ContactSheet sheet{.column_labels = {"drawn", "true"}, .row_labels = {}, .cells = {}, .cell_pixels = 128};

    nlohmann::json summary(const std::string& name, const fs::path& folder) const {
      write_png(folder / (name + ".png"), draw_contact_sheet(sheet), {});
      nlohmann::json by_style;
      for (const auto& [style, marks] : base_by_style) by_style[style] = marks.means();
      return {{"base", base.means()},
              {"artist", artist.means()},
              {"by_style", by_style},
              {"images", sheet.row_labels.size()}};
    }
  };

  /// For people: a subject a row, the first image of each kind a column.
  ContactSheet overview(const std::vector<int>& subjects) const {
    ContactSheet sheet{.column_labels = overview_columns_, .row_labels = {}, .cells = {}, .cell_pixels = 128};
    for (const int subject : subjects) {
      sheet.row_labels.push_back(catalogue_.subjects[subject].words);
      for (const std::string& column : overview_columns_) {
        const auto image = overview_images_.find({column, subject});
        sheet.cells.push_back(image == overview_images_.end() ? at::Tensor() : image->second);
      }
    }
    return sheet;
  }
  void show(const std::string& column, int subject, const at::Tensor& image) {
    if (std::ranges::find(overview_columns_, column) == overview_columns_.end())
      overview_columns_.push_back(column);
    overview_images_.try_emplace({column, subject}, image);
  }

  template <typename Thing>
  std::vector<int> held_out(const std::vector<Thing>& things, int64_t most) const {
    std::vector<int> result;
    for (size_t i = 0; i < things.size() && static_cast<int64_t>(result.size()) != most; ++i)
      if (things[i].role == request_.half) result.push_back(static_cast<int>(i));
    return result;
  }

  fs::path lora_of(const std::string& id) const { return request_.output / (id + ".safetensors"); }

  /// @param settings  in place of the base's defaults; those of the request win over them
  void train(const fs::path& images, const std::string& prompt, const std::string& id,
             nlohmann::json settings = nlohmann::json::object()) {
    if (fs::exists(lora_of(id))) return;
    settings.update(request_.settings);
    TrainRequest train;
    train.images = {images};
    train.prompt = prompt;
    train.output = lora_of(id);
    train.base = request_.base;
    train.settings = settings;
    train.run_folder = request_.output / "runs" / id;
    if (latest_checkpoint(train.run_folder)) train.resume = train.run_folder;
    run_train(train, progress_, cancel_);
  }

  void ask_subject(int subject) {
    const Subject& what = catalogue_.subjects[subject];
    const fs::path images = request_.output / "images" / what.id;
    fs::create_directories(images);
    for (size_t i = 0; i < kShownStyles.size(); ++i) {
      const SceneContent content{.subject = subject,
                                 .style = catalogue_.style(kShownStyles[i]),
                                 .background = catalogue_.background(kShownBackgrounds[i])};
      if (!world_.has_drawing(subject, content.style)) continue;
      const std::string stem = std::to_string(i + 1);
      write_png(images / (stem + ".png"), world_.evaluation_scene(content, derive_seed(request_.seed, stem)),
                {});
      show("one of five", subject, read_image(images / (stem + ".png")));
      write_text_file(images / (stem + ".txt"), world_.caption(content, subject_name(what)) + "\n");
    }
    train(images, subject_name(what), what.id);
    std::vector<Question> questions;
    for (const char* style : kAskedStyles)
      for (const char* background : kAskedBackgrounds) {
        const SceneContent content{.subject = subject,
                                   .style = catalogue_.style(style),
                                   .background = catalogue_.background(background)};
        if (world_.has_drawing(subject, content.style))
          questions.push_back({world_.caption(content, subject_name(what)), content});
      }
    ask("base alone", questions, std::nullopt, what.id);  // what the words say without a LoRA
    show("subject's LoRA", subject, ask("subject alone", questions, lora_of(what.id), what.id));
    // Words that the LoRA was not trained on should still mean what they meant.
    ask("others beside the subject", questions_of_seen_subjects(catalogue_.style(kOthersStyle)),
        lora_of(what.id), what.id);
  }

  /// @param style_name  in place of the style's own
  std::vector<Question> questions_of_seen_subjects(int style, const std::string& style_name = "") const {
    std::vector<Question> questions;
    for (const char* subject : kAskedSubjects) {
      const SceneContent content{.subject = catalogue_.subject(subject), .style = style};
      if (world_.has_drawing(content.subject, style))
        questions.push_back({world_.caption(content, "", style_name), content});
    }
    return questions;
  }

  void ask_style(int style) {
    const Style& how = catalogue_.styles[style];
    const fs::path images = request_.output / "images" / how.id;
    fs::create_directories(images);
    const SceneContent shown{.subject = catalogue_.subject(kStyleImage), .style = style};
    write_png(images / "1.png", world_.evaluation_drawing(shown.subject, style), {});
    train(images, world_.caption(shown, "", kStyleName), how.id, style_settings());
    ask("style alone", questions_of_seen_subjects(style, kStyleName), lora_of(how.id), how.id);
  }

  void merge(int subject, int style, const std::string& method, const fs::path& merged) {
    MergeRequest merge;
    merge.inputs.resize(2);
    merge.inputs[0].path = lora_of(catalogue_.subjects[subject].id), merge.inputs[0].role = Role::kSubject;
    merge.inputs[1].path = lora_of(catalogue_.styles[style].id), merge.inputs[1].role = Role::kStyle;
    merge.method = method;
    merge.base = request_.base;
    merge.output = merged;
    run_merge(merge, progress_, cancel_);
  }

  void ask_both(int subject, int style) {
    const Subject& what = catalogue_.subjects[subject];
    const Style& how = catalogue_.styles[style];
    for (const char* method : {"direct", "zip"}) {
      const fs::path merged = lora_of(what.id + "." + how.id + "." + method);
      if (!fs::exists(merged)) merge(subject, style, method, merged);
      std::vector<Question> questions;
      for (const char* background : kAskedBackgrounds) {
        const SceneContent content{
            .subject = subject, .style = style, .background = catalogue_.background(background)};
        if (content.background != 0 && !how.keeps_background) continue;  // its true image shows none
        questions.push_back({world_.caption(content, subject_name(what), kStyleName), content});
      }
      for (const double strength : request_.style_strengths) {
        const std::string group = merge_group(method, strength);
        const at::Tensor image = ask(group, questions, merged, what.id + "." + how.id, strength);
        if (strength == request_.style_strengths.front()) show(how.id + ", " + group, subject, image);
      }
    }
  }

  void draw(const std::vector<Question>& questions, const std::optional<fs::path>& adapter,
            double style_strength, const fs::path& output) {
    GenerateRequest generate;
    for (const Question& question : questions) generate.prompts.push_back(question.prompt);
    if (adapter) generate.adapter_sets[0].adapters = {{.file = *adapter}};
    generate.style_strength = style_strength;
    generate.seed = request_.seed;
    generate.sampling.batch_size = 8;
    generate.sampling.guidance_scale = kGuidanceScale;
    generate.base = request_.base;
    generate.output = output;
    fs::create_directories(output.parent_path());
    run_generate(generate, progress_, cancel_);
  }

  /// @return the first of the images; undefined if there are none
  at::Tensor ask(const std::string& group_name, const std::vector<Question>& questions,
                 const std::optional<fs::path>& adapter, const std::string& stem, double style_strength = 1) {
    if (questions.empty()) return {};
    const fs::path output = request_.output / "drawn" / group_name / (stem + ".png");
    auto file = [&](size_t i) { return image_file(output, i, questions.size()); };
    bool drawn_before = true;
    for (size_t i = 0; i < questions.size(); ++i) drawn_before = drawn_before && fs::exists(file(i));
    if (!drawn_before) draw(questions, adapter, style_strength, output);
    Group& group = groups_[group_name];
    for (size_t i = 0; i < questions.size(); ++i) {
      const at::Tensor drawn = read_image(file(i));
      const at::Tensor truth = true_scene(questions[i].content, 0);
      const std::map<std::string, double> marks = marks_of(drawn, questions[i].content);
      group.base.add(marks);
      group.base_by_style[catalogue_.styles[questions[i].content.style].id].add(marks);
      group.artist.add(marks_of(true_scene(questions[i].content, 1), questions[i].content));
      group.sheet.row_labels.push_back(questions[i].prompt);
      group.sheet.cells.push_back(drawn);
      group.sheet.cells.push_back(truth);
    }
    return read_image(file(0));
  }

  at::Tensor true_scene(const SceneContent& content, uint64_t seed) const {
    return world_.evaluation_scene(content, derive_seed(request_.seed, fmt::format("true scene {}", seed)));
  }

  /// True if `image` lies nearer to the first than to any other of the contents' true scenes.
  bool first_is_nearest(const at::Tensor& embed, const std::vector<SceneContent>& contents) const {
    std::vector<at::Tensor> scenes;
    for (const SceneContent& content : contents) scenes.push_back(true_scene(content, 0));
    return at::matmul(judge_.embed(at::stack(scenes)), embed[0]).argmax().item<int64_t>() == 0;
  }

  /// Drawn at random: neighbours in the catalogue are of one kind, which would make it easy, or hard.
  std::vector<SceneContent> with_other_subjects(const SceneContent& content) const {
    const Role role = catalogue_.subjects[content.subject].role;
    std::vector<int> others;
    for (int i = 0; i < static_cast<int>(catalogue_.subjects.size()); ++i)
      if (i != content.subject && catalogue_.subjects[i].role == role && world_.has_drawing(i, content.style))
        others.push_back(i);
    std::mt19937_64 random(
        derive_seed(request_.seed, "candidates beside " + catalogue_.subjects[content.subject].id));
    std::shuffle(others.begin(), others.end(), random);
    others.resize(std::min<size_t>(others.size(), kCandidates - 1));
    std::vector<SceneContent> result{content};
    for (const int other : others) {
      result.push_back(content);
      result.back().subject = other;
    }
    return result;
  }

  std::vector<SceneContent> with_other_styles(const SceneContent& content) const {
    std::vector<SceneContent> result{content};
    for (int i = 0; i < static_cast<int>(catalogue_.styles.size()); ++i)
      if (i != content.style && world_.has_drawing(content.subject, i)) {
        result.push_back(content);
        result.back().style = i;
      }
    return result;
  }

  std::map<std::string, double> marks_of(const at::Tensor& image, const SceneContent& content) const {
    const at::Tensor embed = judge_.embed(image.unsqueeze(0));
    std::map<std::string, double> marks;
    marks["subject"] = first_is_nearest(embed, with_other_subjects(content));
    marks["style"] = first_is_nearest(embed, with_other_styles(content));
    marks["similarity"] =
        at::matmul(judge_.embed(true_scene(content, 0).unsqueeze(0)), embed[0]).item<double>();
    if (catalogue_.styles[content.style].keeps_background)
      marks["background"] = attribute_accuracy({{"background", judge_.logits(embed).at("background")}},
                                               attribute_labels(catalogue_, {content}))
                                .at("background");
    return marks;
  }

  const LoraReportRequest& request_;
  ProgressSink& progress_;
  const CancelToken& cancel_;
  World world_;
  const Catalogue& catalogue_;
  ImageJudge judge_;
  std::map<std::string, Group> groups_;
  std::vector<std::string> overview_columns_;                          ///< in the order of their first images
  std::map<std::pair<std::string, int>, at::Tensor> overview_images_;  ///< by column and subject
};

}  // namespace

void claim_lora_report_folder(const LoraReportRequest& request) {
  const fs::path file = request.output / kRecipeFile;
  const nlohmann::json recipe = recipe_of(request);
  fs::create_directories(request.output);
  const auto is_made = [](const fs::directory_entry& entry) {
    return entry.path().filename() != kRecipeFile;
  };
  if (std::ranges::none_of(fs::directory_iterator(request.output), is_made)) {
    write_json_file(file, recipe);
  } else if (!fs::exists(file)) {
    throw Error(ErrorKind::kUsage, "report --loras",
                fmt::format("{} holds files but no {} that says what they come from", request.output.string(),
                            kRecipeFile),
                "empty it, or name another folder with -o");
  } else if (read_json_file(file) != recipe) {
    throw Error(ErrorKind::kUsage, "report --loras",
                fmt::format("{} holds LoRAs of another base, seed or settings ({})", request.output.string(),
                            file.string()),
                "name another folder with -o, or remove that one");
  }
}

nlohmann::json run_lora_report(const LoraReportRequest& request, ProgressSink& progress,
                               const CancelToken& cancel) {
  claim_lora_report_folder(request);
  World::prepare(request.world.assets, request.world.cache, progress, cancel);
  try {
    nlohmann::json report = LoraReport(request, progress, cancel).run();
    write_json_file(request.output / "loras.json", report);
    return report;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted) throw;
    throw Error(
        error.kind(), "report --loras", error.problem(),
        fmt::format("run the same command again: what {} holds is not made again", request.output.string()));
  }
}

}  // namespace ziplora::mini
