#include "mini/report/lora_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "ziplora/app/train_settings.h"
#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/sha256.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora::mini {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecipeFile = "recipe.json";

/// What the LoRAs and images of a report's folder come from, but for the number of subjects.
nlohmann::json recipe_of(const LoraReportRequest& request) {
  nlohmann::json weights;
  std::error_code missing;  // loading the base will say so
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(request.base, missing))
    if (entry.path().extension() == ".safetensors")
      weights[fs::relative(entry.path(), request.base).generic_string()] = sha256_of_file(entry.path());
  return {{"half", request.half == Purpose::kReport ? "report" : "development"},
          {"base", weights},
          {"settings", to_json(resolve_train_settings(request.base, request.settings))},
          {"style_settings", style_settings()},
          {"zip_options", resolve_options(find_merge_method("zip"), request.zip_options)},
          {"steps", request.steps},
          {"guidance_scale", kGuidanceScale},
          {"seed", request.seed}};
}

}  // namespace

nlohmann::json style_settings() {
  return {{"targets", "cross-attention"}, {"lr", 1e-3}, {"zoom", 2.0}, {"random_flip", true}, {"views", 64}};
}

fs::path lora_file(const fs::path& folder, const std::string& id) { return folder / (id + ".safetensors"); }

void claim_lora_report_folder(const LoraReportRequest& request) {
  const fs::path file = request.output / kRecipeFile;
  const nlohmann::json recipe = recipe_of(request);
  fs::create_directories(request.output);
  const auto is_made = [](const fs::directory_entry& entry) {
    return entry.path().filename() != kRecipeFile;
  };
  if (std::ranges::none_of(fs::directory_iterator(request.output), is_made)) {
    write_json_file(file, recipe);
  } else if (!fs::exists(file)) {
    throw Error(ErrorKind::kUsage, "report --loras",
                fmt::format("{} holds files but no {} that says what they come from", request.output.string(),
                            kRecipeFile),
                "empty it, or name another folder with -o");
  } else if (read_json_file(file) != recipe) {
    throw Error(ErrorKind::kUsage, "report --loras",
                fmt::format("{} holds LoRAs of another base, seed or settings ({})", request.output.string(),
                            file.string()),
                "name another folder with -o, or remove that one");
  }
}

}  // namespace ziplora::mini
