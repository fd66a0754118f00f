#pragma once
/// A weight for each block of the UNet, as text: how people say which part of a LoRA they want.
///
///     BlockWeights::parse("1,0,0,0,0,0,1,1,1,1,1,1", "merge: --style-blocks")      // kohya's list
///     BlockWeights::parse("IN04=0.5,MID=0,rest=1", …)                             // blocks by name
///     BlockWeights::parse("unet.up_blocks.0.attentions.1=1,rest=0", …)            // any path of modules
///     BlockWeights::parse("style", …)                                             // B-LoRA's choice, as
///     above
///
/// Blocks are counted as in sgm: BASE (text encoders), IN00 … IN11, MID, OUT00 … OUT11. Lists have 12, 17, 20
/// or 26 numbers and leave out the blocks without attention, SD 1's, SDXL's or none; what a list leaves out
/// has weight 1 (kohya-ss/sd-scripts networks/svd_merge_lora.py; sdxl_merge_lora.py takes all four for SDXL).
/// `content` and `style`: B-LoRA, arXiv 2403.14572, blora_utils.py.

#include <map>
#include <string>
#include <vector>

#include "ziplora/lora/target_names.h"

namespace ziplora {

class BlockWeights {
 public:
  /// @param where  of errors: "merge: --style-blocks"
  /// @throws Error(kUsage) for another number of weights, what is no number, an unknown name (“did you mean”)
  static BlockWeights parse(const std::string& text, const std::string& where);

  /// A path that no layer or norm of the architecture lies in would do nothing. What merely the adapter lacks
  /// is no slip: "text_encoder=0" fits every file.
  /// @throws Error(kUsage) naming the path (“did you mean”)
  void require_paths_in(const TargetNames& names, const std::string& where) const;

  /// The most special name wins: a module path over its block, a longer path over a shorter one.
  double of(const TargetName& target) const;

 private:
  std::map<std::string, double> blocks_;  ///< "IN04" → weight
  std::map<std::string, double> paths_;   ///< "unet.up_blocks.0.attentions.1" → weight
  double rest_ = 1.0;
};

/// "IN04", "MID", "BASE"; "IN00" for the embeddings of time and size, as kohya counts them.
std::string block_of(const TargetName& target);

}  // namespace ziplora
