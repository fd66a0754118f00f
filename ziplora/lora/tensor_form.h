#pragma once
/// Checks one tensor of a LoRA file before anything reads its numbers. The header is enough, so a file that
/// claims a terabyte costs nothing.
///
///     if (const std::string problem = problem_of_form(part, target, info); !problem.empty()) …

#include <string>

#include "ziplora/io/safetensors.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// @param part  of a delta kind, or "alpha"
/// @return completes "<key> …": dtype, dimensions, size; empty if nothing is wrong
std::string problem_of_form(const std::string& part, const TargetName& target, const TensorInfo& info);

}  // namespace ziplora
