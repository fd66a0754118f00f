#pragma once
/// What a regime plans with: each call names a subject, a style or a pair, and gets the same one again for the same
/// words.
///
///     const size_t octopus = planner.subject(18), sticker = planner.style(17, kManyImages);
///     planner.pair(octopus, sticker);

#include <map>
#include <string>
#include <vector>

#include "mini/regimes/regime_plan.h"

namespace ziplora::mini {

/// What a subject's drawings look like, and which LoRA learns them.
struct SubjectVariant {
  bool turned = false;
  int training_seed = 0;
  bool trained = true;  ///< false: only a candidate beside the turned one
};

class RegimePlanner {
 public:
  /// @param world  outlives this
  RegimePlanner(const World& world, Purpose half);

  const World& world() const { return world_; }
  Purpose half() const { return half_; }
  const RegimePlan& plan() const { return plan_; }
  /// Of both halves.
  const std::vector<int>& turned() const { return turned_; }

  /// The pairs that follow are this regime's.
  void begin(const Regime& regime);
  /// Plans that the subject meets every style that its artist drew it in, and lends its true drawings in the styles that its
  /// LoRA learns from: an image that is nearer to one of these wears no style.
  /// @param images  of each style's LoRA: 1 or kManyImages
  void subject_with_styles(int subject, const SubjectVariant& variant, size_t images, int style_seed = 0);

 private:
  size_t subject(int subject, const SubjectVariant& variant);
  void lend_learned_looks(int subject, const SubjectVariant& variant, size_t planned);
  size_t style(int style, size_t images, int training_seed);
  size_t look(int style);
  std::vector<PlannedImage> images_of_subject(int subject, bool turned) const;
  std::vector<PlannedImage> images_of_style(int style, size_t images) const;
  std::vector<std::optional<SceneContent>> truths(int subject, bool turned, int style) const;

  const World& world_;
  const Purpose half_;
  const std::vector<int> turned_;
  RegimePlan plan_;
  std::string regime_;
  size_t subjects_of_regime_ = 0;
  std::map<std::string, size_t> subjects_, styles_;  ///< by name
};

}  // namespace ziplora::mini
