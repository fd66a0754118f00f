#pragma once
/// The use case behind `ziplora inspect`: what LoRA files are, what is wrong with them and which programs
/// load them. Reads, never writes.
///
///     const InspectResult result = run_inspect({.files = {"cat.safetensors"}}, progress, cancel);
///     if (const InspectedAdapter* cat = result.files[0].adapter()) cat->report.programs;

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ziplora/analyze/adapter_report.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/error.h"
#include "ziplora/base/progress.h"

namespace ziplora {

struct InspectRequest {
  std::vector<std::filesystem::path> files;  ///< LoRA files, and folders of PEFT or diffusers
  /// Whose layers the files are compared with; absent: SDXL base 1.0, or the default base where a file's header
  /// fits that better.
  std::optional<std::filesystem::path> base;
};

/// As model sites compute and shorten them: sha256 and AutoV2 are of the whole file, AutoV3 is of its
/// tensors, which metadata edits leave alone.
struct FileHashes {
  std::string sha256, autov2, autov3;
};

struct InspectedAdapter {
  uintmax_t size_bytes = 0;          ///< of all its files
  std::string architecture;          ///< for people: "SDXL base 1.0", "as assets/mini"
  std::optional<FileHashes> hashes;  ///< absent for a folder with several files
  AdapterReport report;
};

struct InspectedFile {
  std::filesystem::path path;
  std::variant<InspectedAdapter, Error> outcome;  ///< Error: not a LoRA for SDXL

  const InspectedAdapter* adapter() const { return std::get_if<InspectedAdapter>(&outcome); }
  const Error* error() const { return std::get_if<Error>(&outcome); }
};

struct InspectResult {
  std::vector<InspectedFile> files;  ///< in the order of the request

  size_t defects() const;            ///< in all files
  const Error* first_error() const;  ///< nullptr: every file is a LoRA
};

/// @throws Error only for the request: no files, or a base that cannot be read; Error(kInterrupted) between
///         files
InspectResult run_inspect(const InspectRequest& request, ProgressSink& progress, const CancelToken& cancel);

/// "files", one object each: file, size_bytes, architecture, the members of the report, and hashes; or file
/// and error (exit_code, where, problem, hint). "defects": how many there are in all.
nlohmann::ordered_json to_json(const InspectResult& result);

}  // namespace ziplora
