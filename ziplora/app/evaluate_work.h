#pragma once
/// The work of a comparison: what each contender wears for each pair, which merges and images are missing, and making them.
///
///     EvaluateWork work(request, plan, progress, cancel);
///     work.make(result);
///     if (work.has_pairs()) work.score(result);

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ziplora/app/evaluate_plan.h"
#include "ziplora/app/evidence_folder.h"
#include "ziplora/app/pair_artist.h"
#include "ziplora/app/pair_merger.h"

namespace ziplora {

class EvaluateWork {
 public:
  /// All of them outlive it.
  EvaluateWork(const EvaluateRequest& request, const EvaluatePlan& plan, ProgressSink& progress,
               const CancelToken& cancel);

  /// Merges and draws what is not in the folder yet.
  void make(EvaluateResult& result);

  /// Takes in what others made and leaves out the pairs that lack something.
  void gather(EvaluateResult& result);

  bool has_pairs() const { return !pairs_.empty(); }

  /// Lists every image and has all judges of the plan score them.
  void score(EvaluateResult& result);

 private:
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

  const Contender& contender(const Task& task) const { return plan_.contenders[task.contender]; }
  const Manifest::Pair& pair(const Task& task) const { return plan_.manifest.pairs[task.pair]; }
  std::vector<PromptAndSeed> images_of(const Manifest::Pair& pair) const;
  /// @param merged  of a contender that merges
  Costume costume_of(const Task& task, const std::optional<MergedPair>& merged) const;
  std::vector<Task> missing_tasks();
  MissingWork missing_of(const Task& task);
  void make(const Task& task, EvaluateResult& result);
  /// Every image of the manifest, with what its merge took.
  void list_images(Evaluation& evaluation);
  void list_images_of(const Task& task, const Costume& costume, Evaluation& evaluation);
  /// What the LoRA whose own prompt it is draws alone; empty for a joint prompt.
  std::filesystem::path alone(size_t pair, size_t prompt, const PromptAndSeed& image);

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

}  // namespace ziplora
