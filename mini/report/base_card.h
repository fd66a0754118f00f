#pragma once
/// The model card that `make base` leaves beside a base that it has trained: what it is made of, from whose
/// drawings, how and how long it was trained, what was measured, and which goals it misses.
///
///     write_text_file("assets/mini/README.md", base_card("assets/mini", "runs/base", report,
///     "mini/assets"));

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace ziplora::mini {

/// @param base        the exported folder
/// @param run_folder  of its training: <stage>.metrics.jsonl, unet.validation.jsonl
/// @param report      what run_base_report gave for it
/// @param world       the catalogue's folder
/// @return Markdown
/// @throws Error(kInput) if the catalogue or a record of the run folder cannot be read
std::string base_card(const std::filesystem::path& base, const std::filesystem::path& run_folder,
                      const nlohmann::json& report, const std::filesystem::path& world);

}  // namespace ziplora::mini
