#pragma once
/// Reads and writes JSON files: configs, index files, reports. What the values mean is checked where they are
/// used. Nothing else parses JSON, because files from strangers may be too large or too deep for the parser.
///
///     nlohmann::json config = read_json_file("unet/config.json");
///     write_json_file("report.json", report);

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace ziplora {

/// Parsed JSON takes up to forty times its text. CLIP's tokenizer.json, the largest real file of a base, has 4 MB.
inline constexpr size_t kJsonLimitBytes = size_t{32} << 20;

/// @param limit_bytes  more only for files that are pinned by a checksum
/// @throws Error(kInput) if the file is missing, larger than that, nested too deep or not JSON: line and column
nlohmann::json read_json_file(const std::filesystem::path& path, size_t limit_bytes = kJsonLimitBytes);

/// The same, with members in the file's order, for objects in which the first member that fits counts.
nlohmann::ordered_json read_ordered_json_file(const std::filesystem::path& path);

/// JSON that stands inside another file, such as the metadata of a LoRA.
/// @return nothing where read_json_file throws
std::optional<nlohmann::json> parse_json(std::string_view text);
std::optional<nlohmann::ordered_json> parse_ordered_json(std::string_view text);

/// One line, for metadata entries, image settings and logs. These hold people's prompts and file names, so
/// bytes that are not UTF-8 become U+FFFD.
std::string json_line(const nlohmann::json& json);

/// Indents by two spaces and ends with a newline. The file appears whole or not at all. Bytes that are not
/// UTF-8 become U+FFFD.
/// @throws as AtomicFile
void write_json_file(const std::filesystem::path& path, const nlohmann::json& json);

}  // namespace ziplora
