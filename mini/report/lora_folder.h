#pragma once
/// The folder of a report on LoRAs: its recipe, and where its files lie. What an interrupted report left
/// there is used again, so the folder says what its files come from.
///
///     claim_lora_report_folder(request);                 // or refuse it
///     fs::path dog = lora_file(request.output, "dog");   // out/dog.safetensors

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "mini/report/lora_report.h"

namespace ziplora::mini {

/// At which the recipes were found.
inline constexpr double kGuidanceScale = 3;

/// Training settings of a style's LoRA in place of the base's own. It learns from one image. Only the layers
/// that read the prompt learn, and they see the image in parts, mirrored, large and small: else they would
/// learn the shape of what it shows, or its colours only for what has no colour of its own.
nlohmann::json style_settings();

/// Writes down in the folder what its files come from. What an interrupted report left is used again, so it
/// must be what this report would make, but for the number of subjects.
/// @throws Error(kUsage) if the folder's files come from another base, seed or recipe, or do not say from
///         which
void claim_lora_report_folder(const LoraReportRequest& request);

/// @param id  of a subject or a style, or of a merge: "ghost.neon.zip"
std::filesystem::path lora_file(const std::filesystem::path& folder, const std::string& id);

}  // namespace ziplora::mini
