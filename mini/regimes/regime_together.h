#pragma once
/// The bound above every merge: one LoRA that learns a pair's subject and style at once, from the images of both.
///
///     for (const PlannedLora& lora : trained_together(plan, {"B"}, 3)) train(lora);

#include <cstdint>
#include <string>
#include <vector>

#include "mini/regimes/regime_plan.h"

namespace ziplora::mini {

/// The name of the file in a pair's "files".
inline constexpr const char* kTogether = "together";

/// The LoRA of both: its images are the subject's, repeated to weigh about as much as the style's, and the style's. Its rank
/// is the sum of theirs, as that of a merge. Both have images.
PlannedLora together(const PlannedLora& subject, const PlannedLora& style);

/// As planned_trainings: of each pair with a LoRA on both sides.
std::vector<PlannedLora> trained_together(const RegimePlan& plan, const std::vector<std::string>& names,
                                          int64_t subjects);

}  // namespace ziplora::mini
