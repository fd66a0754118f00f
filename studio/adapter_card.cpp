#include "studio/adapter_card.h"

#include <filesystem>

#include "studio/database.h"
#include "studio/file_name.h"

namespace ziplora::studio {
namespace fs = std::filesystem;
namespace {

nlohmann::json summary_of(const nlohmann::json& inspected) {
  if (inspected.is_null()) return nullptr;
  nlohmann::json summary = nlohmann::json::object();
  for (const char* name :
       {"kinds", "ranks", "layers", "dialect", "trigger_words", "programs", "defects", "warnings"})
    summary[name] = inspected.value(name, nlohmann::json());
  summary["base"] = inspected.value("architecture", "");
  summary["sha256"] = inspected.value("/hashes/sha256"_json_pointer, "");
  summary["recipe"] = inspected.value("recipe", nlohmann::json());
  return summary;
}

}  // namespace

nlohmann::json adapter_card(const nlohmann::json& row) {
  nlohmann::json card = nlohmann::json::object();
  for (const char* name : {"id", "name", "path", "bytes", "origin", "folder", "job", "created", "state"})
    card[name] = row.at(name);
  std::error_code ignored;
  const std::string path = row.at("path");
  if (!fs::exists(path, ignored)) card["state"] = "missing";
  card["preview"] = row.at("folder").is_null() ? false : !preview_beside(path, "").empty();
  card["summary"] = summary_of(json_column(row, "inspected"));
  card["error"] = json_column(row, "error");
  return card;
}

std::string preview_beside(const std::string& adapter_path, const std::string& folder) {
  const fs::path stem = fs::path(adapter_path).replace_extension();
  for (const char* ending :
       {".png", ".preview.png", ".jpg", ".jpeg", ".preview.jpg", ".webp", ".preview.webp"}) {
    const fs::path image = stem.string() + ending;
    std::error_code ignored;
    if (fs::is_regular_file(image, ignored) && (folder.empty() || is_inside(folder, image)))
      return image.string();
  }
  return "";
}

}  // namespace ziplora::studio
