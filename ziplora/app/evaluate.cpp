#include "ziplora/app/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "ziplora/app/default_base.h"
#include "ziplora/app/evaluate_commands.h"
#include "ziplora/app/evaluate_missing.h"
#include "ziplora/app/evaluate_plan.h"
#include "ziplora/app/evidence_gather.h"
#include "ziplora/app/pair_artist.h"
#include "ziplora/app/pair_merger.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/evaluate/evaluation_page.h"
#include "ziplora/evaluate/evaluation_text.h"
#include "ziplora/evaluate/judge.h"
#include "ziplora/evaluate/score_images.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

using Way = Contender::Way;

/// One bar for all merges and images, since theirs would follow each other by the thousand. Each warning is told once.
class WarningsAlone : public NullProgress {
 public:
  explicit WarningsAlone(ProgressSink& sink) : sink_(sink) {}
  void warning(const std::string& text) override {
    if (told_.insert(text).second) sink_.warning(text);
  }

 private:
  ProgressSink& sink_;
  std::set<std::string> told_;
};

/// A pair by a contender: the unit of the work.
struct Task {
  size_t pair, contender;
};

class Comparing {
 public:
  Comparing(const EvaluateRequest& request, const EvaluatePlan& plan, ProgressSink& progress,
            const CancelToken& cancel)
      : request_(request),
        plan_(plan),
        progress_(progress),
        cancel_(cancel),
        warnings_(progress),
        folder_(request.output),
        pairs_(plan.pairs),
        base_(resolve_base(request.base), request.policy, warnings_),
        merger_(request, plan.manifest, folder_, base_, warnings_, cancel),
        artist_(request, folder_, base_, warnings_, cancel) {}

  /// Merges and draws what is not in the folder yet.
  void make(EvaluateResult& result) {
    const std::vector<Task> missing = missing_tasks();
    if (missing.empty()) return;
    Stage stage(progress_, "merge and draw", static_cast<int64_t>(missing.size()));
    for (const Task& task : missing) {
      cancel_.throw_if_cancelled("evaluate", "run the same command again: what is made is kept");
      make(task, result);
      stage.step();
    }
  }

  /// Takes in what others made and leaves out the pairs that lack something.
  void gather(EvaluateResult& result) {
    take_in(request_.from, folder_, progress_, cancel_);
    std::vector<Manifest::Pair>& pairs = result.evaluation.manifest.pairs;
    for (const size_t pair : pairs_)
      for (size_t contender = 0; contender < plan_.contenders.size(); ++contender) {
        const Task task{pair, contender};
        result.asked += images_of(plan_.manifest.pairs[pair]).size();
        const MissingWork missing = missing_of(task);
        if (!missing.merge && missing.images == 0) continue;
        result.missing.push_back(missing);
        pairs[pair].only_lends = true;  // as those of groups that are not asked for
      }
    std::erase_if(pairs_, [&](size_t pair) { return pairs[pair].only_lends; });
  }

  bool has_pairs() const { return !pairs_.empty(); }

  void score(EvaluateResult& result) {
    Evaluation& evaluation = result.evaluation;
    list_images(evaluation);
    for (const std::string& name : plan_.judges) {
      const Judge judge(name);
      evaluation.judges.push_back(judge.name());
      score_images(plan_.manifest, judge, evaluation.images, progress_, cancel_);
    }
  }

 private:
  const Contender& contender(const Task& task) const { return plan_.contenders[task.contender]; }
  const Manifest::Pair& pair(const Task& task) const { return plan_.manifest.pairs[task.pair]; }

  std::vector<PromptAndSeed> images_of(const Manifest::Pair& pair) const {
    std::vector<PromptAndSeed> images;
    for (size_t prompt = 0; prompt < plan_.manifest.prompts.size(); ++prompt)
      for (const uint64_t seed : plan_.manifest.seeds)
        if (plan_.manifest.asks(pair, prompt))
          images.push_back({plan_.manifest.prompt_of(pair, prompt), seed});
    return images;
  }

  /// @param merged  of a contender that merges
  Costume costume_of(const Task& task, const std::optional<MergedPair>& merged) const {
    const Contender& by = contender(task);
    const AdapterChoice subject{.file = plan_.manifest.subjects[pair(task).subject].lora,
                                .strength = by.strengths[0],
                                .role = Role::kSubject},
        style{.file = plan_.manifest.styles[pair(task).style].lora,
              .strength = by.strengths[1] * by.style_strength,
              .role = Role::kStyle};
    switch (by.way) {
      case Way::kBase:
        return {};
      case Way::kSubject:
        return {.adapters = {subject}};
      case Way::kStyle:
        return {.adapters = {style}};
      case Way::kMerge:
        return {.adapters = {{.file = merged->file}},
                .merge = merged->key,
                .style_strength = merged->style_strength};
      case Way::kStrategy:
        break;
    }
    return {.adapters = {subject, style}, .strategy = by.by, .strategy_options = by.options};
  }

  std::vector<Task> missing_tasks() {
    std::vector<Task> tasks;
    for (const size_t pair : pairs_)
      for (size_t contender = 0; contender < plan_.contenders.size(); ++contender)
        if (const MissingWork missing = missing_of({pair, contender}); missing.merge || missing.images > 0)
          tasks.push_back({pair, contender});
    return tasks;
  }

  MissingWork missing_of(const Task& task) {
    const std::vector<PromptAndSeed> images = images_of(pair(task));
    MissingWork missing{task.pair, task.contender, false, images.size()};
    std::optional<MergedPair> merged;
    if (contender(task).way == Way::kMerge && !(merged = merger_.find(contender(task), pair(task)))) {
      missing.merge = true;
      return missing;
    }
    const Costume costume = costume_of(task, merged);
    for (const PromptAndSeed& image : images)
      if (artist_.has(costume, image)) --missing.images;
    return missing;
  }

  void make(const Task& task, EvaluateResult& result) {
    std::optional<MergedPair> merged;
    if (contender(task).way == Way::kMerge) {
      const size_t before = merger_.made();
      merged = merger_.merged(contender(task), pair(task));
      if (merger_.made() > before) ++result.merged;
    }
    const auto [drawn, seconds] = artist_.draw(costume_of(task, merged), images_of(pair(task)));
    result.drawn += drawn;
    drawing_[task.contender].first += drawn, drawing_[task.contender].second += seconds;
  }

  /// Every image of the manifest, with what its merge took.
  void list_images(Evaluation& evaluation) {
    for (const size_t pair_index : pairs_)
      for (size_t index = 0; index < plan_.contenders.size(); ++index) {
        const Task task{pair_index, index};
        std::optional<MergedPair> merged;
        if (contender(task).way == Way::kMerge) {
          merged = merger_.find(contender(task), pair(task));
          evaluation.merges.push_back(merger_.cost(*merged));
          evaluation.merges.back().contender = index, evaluation.merges.back().pair = pair_index;
        }
        list_images_of(task, costume_of(task, merged), evaluation);
      }
    for (const auto& [index, sum] : drawing_)
      if (sum.first) evaluation.seconds_per_image[index] = sum.second / static_cast<double>(sum.first);
  }

  void list_images_of(const Task& task, const Costume& costume, Evaluation& evaluation) {
    for (size_t prompt = 0; prompt < plan_.manifest.prompts.size(); ++prompt)
      for (const uint64_t seed : plan_.manifest.seeds)
        if (plan_.manifest.asks(pair(task), prompt)) {
          const PromptAndSeed image{plan_.manifest.prompt_of(pair(task), prompt), seed};
          evaluation.images.push_back({task.contender, task.pair, prompt, seed, artist_.file(costume, image),
                                       alone(task.pair, prompt, image)});
        }
  }

  /// What the LoRA whose own prompt it is draws alone; empty for a joint prompt.
  std::filesystem::path alone(size_t pair, size_t prompt, const PromptAndSeed& image) {
    const Manifest::PromptKind kind = plan_.manifest.kind_of(prompt);
    if (kind == Manifest::PromptKind::kJoint) return {};
    const Way way = kind == Manifest::PromptKind::kSubjectsOwn ? Way::kSubject : Way::kStyle;
    const auto bound = std::ranges::find(plan_.contenders, way, &Contender::way);
    return artist_.file(costume_of({pair, static_cast<size_t>(bound - plan_.contenders.begin())}, {}), image);
  }

  const EvaluateRequest& request_;
  const EvaluatePlan& plan_;
  ProgressSink& progress_;
  const CancelToken& cancel_;
  WarningsAlone warnings_;
  EvidenceFolder folder_;
  std::vector<size_t> pairs_;  // whose images are made, and listed
  SharedBase base_;
  PairMerger merger_;
  PairArtist artist_;
  std::map<size_t, std::pair<size_t, double>> drawing_;  // by contender: images and seconds of this run
};

/// @return what was written
std::vector<std::filesystem::path> write_results(const EvaluateRequest& request,
                                                 const EvaluateResult& result) {
  const std::filesystem::path page = request.output / "report.html",
                              json = request.output / "evaluation.json", csv = request.output / "images.csv";
  nlohmann::json figures = to_json(result);
  figures["command_line"] = command_of(request);
  for (size_t i = 0; i < result.evaluation.contenders.size(); ++i)
    figures["contenders"][i]["command"] = command_of(result.evaluation.contenders[i]);
  write_json_file(json, figures);
  write_text_file(csv, images_csv(result.evaluation, request.output));
  write_text_file(page, evaluation_page(figures, result.evaluation));
  return {page, json, csv};
}

}  // namespace

nlohmann::json to_json(const EvaluateResult& result) {
  nlohmann::json json = to_json(result.evaluation, result.tables);
  json["command"] = "evaluate";
  json["merged"] = result.merged;
  json["drawn"] = result.drawn;
  for (const MissingWork& missing : result.missing) json["missing"].push_back(to_json(missing, result));
  json["seconds"] = result.seconds;
  for (const std::filesystem::path& file : result.files) json["files"].push_back(file.string());
  return json;
}

EvaluateResult run_evaluate(const EvaluateRequest& request, ProgressSink& progress,
                            const CancelToken& cancel) {
  const auto started = std::chrono::steady_clock::now();
  const EvaluatePlan plan = plan_of(request);
  for (const std::string& judge : plan.judges) Judge{judge};  // before hours of drawing
  Comparing comparing(request, plan, progress, cancel);
  EvaluateResult result{.evaluation = {plan.manifest, plan.contenders, {}}, .tables = {}, .files = {}};
  if (request.gather)
    comparing.gather(result);
  else
    comparing.make(result);
  const bool has_tables = request.shard.is_whole() && comparing.has_pairs();
  if (has_tables) {
    comparing.score(result);
    result.tables = tables_of(result.evaluation, request.seed);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (has_tables) result.files = write_results(request, result);
  return result;
}

}  // namespace ziplora
