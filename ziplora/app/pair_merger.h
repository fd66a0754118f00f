#pragma once
/// Makes the merged files of a comparison, each once. Methods that learn preserve each LoRA under its own prompts; the joint
/// prompt, for those that give it a weight, is the first of the manifest's.
///
///     PairMerger merger(request, manifest, folder, base, progress, cancel);
///     const MergedPair merged = merger.merged(contender, pair);   // found, or made

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/app/evaluate.h"
#include "ziplora/app/evidence_folder.h"
#include "ziplora/app/shared_base.h"

namespace ziplora {

struct MergedPair {
  EvidenceKey key;
  std::filesystem::path file;
  /// What is left of the contender's style strength for drawing: 1 if the file does not record its sides, so that the
  /// style's LoRA was multiplied before the merge.
  double style_strength = 1;
};

class PairMerger {
 public:
  /// All outlive the merger.
  PairMerger(const EvaluateRequest& request, const Manifest& manifest, const EvidenceFolder& folder,
             SharedBase& base, ProgressSink& progress, const CancelToken& cancel);

  /// @return nothing if it has to be merged first
  std::optional<MergedPair> find(const Contender& contender, const Manifest::Pair& pair);
  /// @throws as run_merge, naming the contender and the pair
  MergedPair merged(const Contender& contender, const Manifest::Pair& pair);
  /// Merges that this object made; those that another process made in the meantime are not among them.
  size_t made() const { return made_; }
  /// As it was when the file was made.
  MergeCost cost(const MergedPair& merged) const;

 private:
  struct Step {
    EvidenceKey key;
    std::array<double, 2> strengths;
  };
  Step step(const Contender& contender, const Manifest::Pair& pair, double style_factor);
  /// Waits while another process makes it.
  void make(const Step& step, const Contender& contender, const Manifest::Pair& pair);
  void merge(const Step& step, const Contender& contender, const Manifest::Pair& pair);

  const EvaluateRequest& request_;
  const Manifest& manifest_;
  const EvidenceFolder& folder_;
  SharedBase& base_;
  ProgressSink& progress_;
  const CancelToken& cancel_;
  size_t made_ = 0;
};

}  // namespace ziplora
