#pragma once
/// Which programs load a LoRA file fully, in part, wrongly, or not at all, and why. The rules are a table in
/// loader_support.cpp: each has a program, a verdict, the facts of the file it applies to, and the reason.
///
///     for (const ProgramSupport& program : loader_support(facts))
///       fmt::print("{}: {}\n", program.program, name_of(program.verdict));
///
/// tests/loaders runs most of the programs on a file of each kind and compares them with the rules.
/// docs/compatibility.md lists the verdicts and the versions; other versions may behave differently.

#include <string>
#include <vector>

#include "ziplora/analyze/file_facts.h"

namespace ziplora {

/// From best to worst.
enum class Verdict { kFully, kUnknown, kPartly, kWrongly, kNot };
const char* name_of(Verdict verdict);  ///< "fully", "unknown", "partly", "wrongly", "not"

struct ProgramSupport {
  const char* program;
  /// The worst of the rules that apply; at least kUnknown if the file has layers of a kind that was not
  /// tried.
  Verdict verdict = Verdict::kFully;
  std::vector<std::string> reasons;
};

/// Every program of the table, in its order.
std::vector<ProgramSupport> loader_support(const FileFacts& facts);

}  // namespace ziplora
