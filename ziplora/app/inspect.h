#pragma once
/// The use case behind `ziplora inspect`: says what LoRA files are, what is wrong with them and who can load
/// them. Reads, never writes.
///
///     const InspectResult result = run_inspect({.files = {"cat.safetensors"}}, progress, cancel);
///     result.report["files"][0]["programs"];

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/error.h"
#include "ziplora/base/progress.h"

namespace ziplora {

struct InspectRequest {
  std::vector<std::filesystem::path> files;  ///< LoRA files, and folders of PEFT or diffusers
  /// Whose layers the files are held against; absent: SDXL base 1.0, and where that does not fit, the
  /// embedded one.
  std::optional<std::filesystem::path> base;
};

struct InspectResult {
  /// "files": one object each, in order: file, size_bytes, architecture, hashes (sha256, autov2, autov3; of a
  /// folder with several files none), and the fields of analyze/adapter_report.h; of a file that is no LoRA
  /// for SDXL only file and error (exit_code, where, problem, hint). "defects": how many there are in all.
  nlohmann::ordered_json report;
  std::optional<Error> first_error;  ///< of those files; for the exit code
};

/// @throws Error only for the request: no files, or a base that cannot be read; Error(kInterrupted) between
/// files
InspectResult run_inspect(const InspectRequest& request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
