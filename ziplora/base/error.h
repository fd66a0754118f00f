#pragma once
/// ziplora's only exception. The library throws it and never exits, prints or returns half-made objects;
/// run_program() turns its kind into the exit code.
///
///     throw Error(ErrorKind::kIncompatible, "merge: cat.safetensors",
///                 "…attn1.to_q down is [8, 640], the base needs [8, 128]",
///                 "run 'ziplora inspect cat.safetensors'");

#include <stdexcept>
#include <string>

namespace ziplora {

/// The value is the process's exit code.
enum class ErrorKind {
  kFailed = 1,          ///< something outside the program went wrong
  kUsage = 2,           ///< flags or config make no sense
  kInput = 3,           ///< an input is missing or malformed
  kIncompatible = 4,    ///< each input is fine, but they do not fit together
  kExhausted = 5,       ///< memory or disk is full
  kNonFinite = 6,       ///< NaN or Inf appeared, or training diverged
  kBelowThreshold = 7,  ///< a requested check did not pass
  kInternal = 70,       ///< our own bug
  kInterrupted = 130,   ///< Ctrl-C
};

class Error : public std::runtime_error {
 public:
  /// @param where    operation and file or target
  /// @param problem  what was found and what was expected
  /// @param hint     a command or a step that fixes it; may be empty
  Error(ErrorKind kind, std::string where, std::string problem, std::string hint = "");

  ErrorKind kind() const { return kind_; }
  const std::string& where() const { return where_; }
  const std::string& problem() const { return problem_; }
  const std::string& hint() const { return hint_; }

 private:
  ErrorKind kind_;
  std::string where_, problem_, hint_;
};

}  // namespace ziplora
