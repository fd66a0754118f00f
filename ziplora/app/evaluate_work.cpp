#include "ziplora/app/evaluate_work.h"

#include <algorithm>

#include "ziplora/app/default_base.h"
#include "ziplora/app/evidence_gather.h"
#include "ziplora/evaluate/judge.h"
#include "ziplora/evaluate/score_images.h"

namespace ziplora {
namespace {

using Way = Contender::Way;

}  // namespace

EvaluateWork::EvaluateWork(const EvaluateRequest& request, const EvaluatePlan& plan, ProgressSink& progress,
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

void EvaluateWork::make(EvaluateResult& result) {
  const std::vector<Task> missing = missing_tasks();
  if (missing.empty()) return;
  Stage stage(progress_, "merge and draw", static_cast<int64_t>(missing.size()));
  for (const Task& task : missing) {
    cancel_.throw_if_cancelled("evaluate", "run the same command again: what is made is kept");
    make(task, result);
    stage.step();
  }
}

void EvaluateWork::gather(EvaluateResult& result) {
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

void EvaluateWork::score(EvaluateResult& result) {
  Evaluation& evaluation = result.evaluation;
  list_images(evaluation);
  for (const std::string& name : plan_.judges) {
    const Judge judge(name);
    evaluation.judges.push_back(judge.name());
    score_images(plan_.manifest, judge, evaluation.images, progress_, cancel_);
  }
}

std::vector<PromptAndSeed> EvaluateWork::images_of(const Manifest::Pair& pair) const {
  std::vector<PromptAndSeed> images;
  for (size_t prompt = 0; prompt < plan_.manifest.prompts.size(); ++prompt)
    for (const uint64_t seed : plan_.manifest.seeds)
      if (plan_.manifest.asks(pair, prompt)) images.push_back({plan_.manifest.prompt_of(pair, prompt), seed});
  return images;
}

Costume EvaluateWork::costume_of(const Task& task, const std::optional<MergedPair>& merged) const {
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
    case Way::kFile:
      return {.adapters = {{.file = pair(task).files.at(by.by)}}};
    case Way::kStrategy:
      break;
  }
  return {.adapters = {subject, style}, .strategy = by.by, .strategy_options = by.options};
}

std::vector<EvaluateWork::Task> EvaluateWork::missing_tasks() {
  std::vector<Task> tasks;
  for (const size_t pair : pairs_)
    for (size_t contender = 0; contender < plan_.contenders.size(); ++contender)
      if (const MissingWork missing = missing_of({pair, contender}); missing.merge || missing.images > 0)
        tasks.push_back({pair, contender});
  return tasks;
}

MissingWork EvaluateWork::missing_of(const Task& task) {
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

void EvaluateWork::make(const Task& task, EvaluateResult& result) {
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

void EvaluateWork::list_images(Evaluation& evaluation) {
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

void EvaluateWork::list_images_of(const Task& task, const Costume& costume, Evaluation& evaluation) {
  for (size_t prompt = 0; prompt < plan_.manifest.prompts.size(); ++prompt)
    for (const uint64_t seed : plan_.manifest.seeds)
      if (plan_.manifest.asks(pair(task), prompt)) {
        const PromptAndSeed image{plan_.manifest.prompt_of(pair(task), prompt), seed};
        evaluation.images.push_back({task.contender, task.pair, prompt, seed, artist_.file(costume, image),
                                     alone(task.pair, prompt, image)});
      }
}

std::filesystem::path EvaluateWork::alone(size_t pair, size_t prompt, const PromptAndSeed& image) {
  const Manifest::PromptKind kind = plan_.manifest.kind_of(prompt);
  if (kind == Manifest::PromptKind::kJoint) return {};
  const Way way = kind == Manifest::PromptKind::kSubjectsOwn ? Way::kSubject : Way::kStyle;
  const auto bound = std::ranges::find(plan_.contenders, way, &Contender::way);
  return artist_.file(costume_of({pair, static_cast<size_t>(bound - plan_.contenders.begin())}, {}), image);
}

}  // namespace ziplora
