#pragma once
/// A weight for each block of the UNet, as text: how people say which part of a LoRA they want.
///
///     const std::string where = "merge: --style-blocks";
///     BlockWeights::parse("1,0,0,0,0,0,1,1,1,1,1,1", where);                  // kohya's list
///     BlockWeights::parse("IN04=0.5,MID=0,rest=1", where);                    // blocks by name
///     BlockWeights::parse("unet.up_blocks.0.attentions.1=1,rest=0", where);   // any path of modules
///     BlockWeights::parse("style", where);                                    // the same: B-LoRA's choice
///
/// Blocks are counted as in sgm: BASE (text encoders), IN00 … IN11, MID, OUT00 … OUT11. A list has 12 numbers
/// (SDXL's blocks with attention), 17 (SD 1's with attention), 20 (all of SDXL's) or 26 (all). What a list
/// leaves out has weight 1 (kohya-ss/sd-scripts networks/svd_merge_lora.py; sdxl_merge_lora.py takes all four
/// for SDXL). `content` and `style`: B-LoRA, arXiv 2403.14572, blora_utils.py.

#include <map>
#include <string>
#include <vector>

#include "ziplora/lora/target_names.h"

namespace ziplora {

class BlockWeights {
 public:
  /// @param where  opens the error messages: "merge: --style-blocks"
  /// @throws Error(kUsage) for a list of another length, a weight that is not a number, and an unknown name
  ///         (“did you mean”)
  static BlockWeights parse(const std::string& text, const std::string& where);

  /// A path that holds no layer or norm of the architecture would have no effect. A path that only the
  /// adapter lacks is fine: "text_encoder=0" fits every file.
  /// @throws Error(kUsage) naming the path (“did you mean”)
  void require_paths_in(const TargetNames& names, const std::string& where) const;

  /// The most specific name wins: a module path over its block, a longer path over a shorter one.
  double of(const TargetName& target) const;

 private:
  /// "IN04" → weight
  std::map<std::string, double> blocks_;
  /// "unet.up_blocks.0.attentions.1" → weight
  std::map<std::string, double> paths_;
  double rest_ = 1.0;
};

/// "IN04", "MID", "BASE"; "IN00" for the embeddings of time and size, as kohya counts them.
std::string block_of(const TargetName& target);

}  // namespace ziplora
