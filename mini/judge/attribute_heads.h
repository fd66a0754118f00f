#pragma once
/// Linear classifiers over the joint space of images and texts, one for each of a scene's labels: subject,
/// second subject, style, background, category. Contrastive training alone tells scenes apart by the easy
/// half (style and background: few other scenes of a batch share both) and learns subjects last; the heads
/// make every scene teach its subject. Images and both texts share one set, so its rows are common
/// prototypes. Together with the image encoder they judge images.

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mini/world/world.h"
#include "ziplora/nn/module.h"

namespace ziplora::mini {

/// Class indices by attribute, [N] int64 each; kNoLabel where a scene does not show the attribute (a
/// background in a style that paints over it).
using AttributeLabels = std::map<std::string, at::Tensor>;
inline constexpr int64_t kNoLabel = -100;

AttributeLabels attribute_labels(const Catalogue& catalogue, const std::vector<SceneContent>& contents);

class AttributeHeads : public Module {
 public:
  AttributeHeads(const Catalogue& catalogue, int64_t projection_dim);
  ~AttributeHeads() override;

  /// @param embeds  [N, projection_dim], of images or of texts, of any length
  /// @return        by attribute, [N, classes]
  std::map<std::string, at::Tensor> logits(const at::Tensor& embeds) const;
  /// @return scalar: the mean of the attributes' cross entropies
  at::Tensor loss(const at::Tensor& embeds, const AttributeLabels& labels) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// By attribute, the share of the labelled rows whose largest logit is the label's.
std::map<std::string, double> attribute_accuracy(const std::map<std::string, at::Tensor>& logits,
                                                 const AttributeLabels& labels);

}  // namespace ziplora::mini
