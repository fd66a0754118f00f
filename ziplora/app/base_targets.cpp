#include "ziplora/app/base_targets.h"

#include "ziplora/models/diffusers_folder.h"
#include "ziplora/models/single_file.h"

namespace ziplora {

TargetNames base_targets(const std::filesystem::path& base) {
  std::filesystem::path folder = base;
  if (!std::filesystem::is_directory(base)) {
    const SingleFileCheckpoint checkpoint(base);  // refuses what is no SDXL
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

}  // namespace ziplora
