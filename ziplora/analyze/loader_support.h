#pragma once
/// Which programs load a LoRA file fully, in part, with another effect, or not at all, and why. A table of
/// rules over facts of the file: each rule is one line in loader_support.cpp with the program, the verdict
/// and the reason.
///
///     for (const ProgramSupport& program : loader_support(file_facts(survey, names))) …
///
/// Most of the programs were run, by tests/loaders on a file of each kind; their verdicts are those of the
/// rules. docs/compatibility.md shows them, with the versions; other versions may behave otherwise.

#include <string>
#include <vector>

#include "ziplora/analyze/file_facts.h"

namespace ziplora {

enum class Verdict { kFully, kUnknown, kPartly, kWrongly, kNot };  ///< each worse than the one before
const char* name_of(Verdict verdict);  ///< "fully", "unknown", "partly", "wrongly", "not"

struct ProgramSupport {
  const char* program;
  /// The worst of the rules that apply; at least kUnknown where the file has layers that no rule speaks of.
  Verdict verdict = Verdict::kFully;
  std::vector<std::string> reasons;
};

/// Every program of the table, in its order.
std::vector<ProgramSupport> loader_support(const FileFacts& facts);

}  // namespace ziplora
