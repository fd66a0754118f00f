#include "ziplora/app/base_targets.h"

#include "ziplora/app/default_base.h"
#include "ziplora/base/error.h"
#include "ziplora/lora/adapter_survey.h"
#include "ziplora/models/diffusers_folder.h"
#include "ziplora/models/single_file.h"

namespace ziplora {

TargetNames base_targets(const std::filesystem::path& base) {
  std::filesystem::path folder = base;
  if (!std::filesystem::is_directory(base)) {
    const SingleFileBase single_file(base);  // refuses what is no SDXL
    folder = companion_folder(base);
    if (!std::filesystem::exists(folder / "unet" / "config.json")) return TargetNames::sdxl();
  }
  const auto config = [&](const char* component) {
    return read_json_object(folder / component / "config.json");
  };
  return TargetNames(UNet2DConditionConfig::from_json(config("unet")),
                     ClipTextConfig::from_json(config("text_encoder"), /*with_projection=*/false),
                     ClipTextConfig::from_json(config("text_encoder_2"), /*with_projection=*/true));
}

TargetNames targets_of_file(const std::filesystem::path& adapter) {
  if (survey_adapter(adapter, TargetNames::sdxl()).defects.empty()) return TargetNames::sdxl();
  try {
    TargetNames embedded = base_targets(resolve_base(std::nullopt));
    if (survey_adapter(adapter, embedded).defects.empty()) return embedded;
  } catch (const Error& error) {
    // Without a default base, or with one of another kind, files are held against SDXL.
    if (error.kind() != ErrorKind::kInput && error.kind() != ErrorKind::kIncompatible) throw;
  }
  return TargetNames::sdxl();
}

}  // namespace ziplora
