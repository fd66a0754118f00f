#pragma once
/// The ways in which a layer of an adapter file cannot be read. The problem completes "<layer> …".
///
///     throw malformed("has factors of rank 0");

#include <string>

#include "ziplora/base/error.h"

namespace ziplora {

inline constexpr const char* kAnotherBase = "use a LoRA that was made for the base it goes on";
inline constexpr const char* kAnotherCopy = "the file is damaged: get another copy";

/// The parts fit each other but not the layer: kIncompatible.
Error does_not_fit(const std::string& problem);
/// The parts do not fit each other: kInput.
Error malformed(const std::string& problem);
/// The parts have no meaning, or more than one: kInput.
Error ambiguous(const std::string& problem);

}  // namespace ziplora
