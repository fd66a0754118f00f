#pragma once
/// The layers of the smallest SDXL that has every kind of layer.
///
///     survey_adapter(path, tiny_targets());

#include "ziplora/lora/target_names.h"

namespace ziplora {

const TargetNames& tiny_targets();

}  // namespace ziplora
