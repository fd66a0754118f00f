#include "mini/report/lora_folder.h"

#include "mini/report/claimed_folder.h"
#include "ziplora/app/train_settings.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora::mini {
namespace {

namespace fs = std::filesystem;

/// What the LoRAs and images of a report's folder come from, but for the number of subjects.
nlohmann::json recipe_of(const LoraReportRequest& request) {
  return {{"half", request.half == Purpose::kReport ? "report" : "development"},
          {"base", weights_of(request.base)},
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
  claim_folder(request.output, recipe_of(request), "report --loras");
}

}  // namespace ziplora::mini
