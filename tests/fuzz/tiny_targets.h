#pragma once
/// The layers of an SDXL with every kind of layer in it and no more width than that takes.

#include "ziplora/lora/target_names.h"

namespace ziplora {

const TargetNames& tiny_targets();

}  // namespace ziplora
