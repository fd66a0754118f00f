#include "ziplora/app/base_weights.h"

#include <algorithm>
#include <memory>

#include "ziplora/app/base_targets.h"
#include "ziplora/app/default_base.h"
#include "ziplora/base/error.h"
#include "ziplora/models/base_files.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

bool same_layers(const TargetNames& a, const TargetNames& b) {
  return std::equal(a.targets().begin(), a.targets().end(), b.targets().begin(), b.targets().end(),
                    [](const TargetName& left, const TargetName& right) {
                      return left.canonical == right.canonical && left.weight_shape == right.weight_shape;
                    });
}

std::optional<fs::path> default_base_for(const TargetNames& names) {
  try {
    const fs::path base = resolve_base(std::nullopt);
    if (same_layers(base_targets(base), names)) return base;
  } catch (const Error& error) {
    // There is none, or none of SDXL's kind: whoever needs its weights says so.
    if (error.kind() != ErrorKind::kInput && error.kind() != ErrorKind::kIncompatible) throw;
  }
  return std::nullopt;
}

}  // namespace

BaseWeights base_weights(const std::optional<fs::path>& given, const TargetNames& names) {
  const std::optional<fs::path> base = given ? given : default_base_for(names);
  if (!base) return {};
  return [base = *base, unet = names.unet, text_encoder_2 = names.text_encoder_2,
          files = std::make_shared<std::unique_ptr<BaseFiles>>()](const std::string& canonical) {
    if (!*files) *files = std::make_unique<BaseFiles>(base, unet, text_encoder_2);
    return (*files)->tensor(canonical + ".weight");
  };
}

}  // namespace ziplora
