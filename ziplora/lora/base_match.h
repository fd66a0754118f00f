#pragma once
/// Whether an adapter file is for a base, from the names and shapes in its header alone. No number is read, so
/// asking costs nothing, even of a file that claims a terabyte.
///
///     const BaseMatch match = match_base("cat.safetensors", TargetNames::sdxl());
///     if (match.share() > 0.5) …   // most of its layers are SDXL's

#include <cstddef>
#include <filesystem>

#include "ziplora/lora/target_names.h"

namespace ziplora {

struct BaseMatch {
  size_t layers = 0;    ///< that the file's keys name, in any dialect, whether the base has them or not
  size_t matching = 0;  ///< of those: the base has the layer, and one of the file's tensors has its width

  double share() const {
    return layers == 0 ? 0.0 : static_cast<double>(matching) / static_cast<double>(layers);
  }
};

/// A layer matches if a dimension of one of its tensors, or the product of two (LoKr, OFT), is the layer's
/// input or output width. Chance hits are rare enough that the best of several bases is the right one;
/// whether each tensor fits is for survey_adapter to say.
/// @throws as open_adapter_pieces
BaseMatch match_base(const std::filesystem::path& path, const TargetNames& names);

}  // namespace ziplora
