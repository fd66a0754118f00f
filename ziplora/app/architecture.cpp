#include "ziplora/app/architecture.h"

#include <fmt/format.h>

#include <algorithm>

#include "ziplora/app/base_targets.h"
#include "ziplora/app/default_base.h"
#include "ziplora/base/error.h"
#include "ziplora/lora/base_match.h"
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

/// Nothing where there is no default base, or it is not an SDXL: whoever needs its weights says so.
std::optional<Architecture> default_architecture() {
  try {
    return architecture_of_base(resolve_base(std::nullopt));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput && error.kind() != ErrorKind::kIncompatible) throw;
    return std::nullopt;
  }
}

}  // namespace

BaseWeights Architecture::weights() const { return base ? base_weights(*base, *names) : BaseWeights(); }

Architecture architecture_of_base(const fs::path& base) {
  return {"as " + base.string(), std::make_shared<const TargetNames>(base_targets(base)), base};
}

std::vector<Architecture> known_architectures() {
  const std::shared_ptr<const TargetNames> sdxl(&TargetNames::sdxl(), [](const TargetNames*) {});
  std::vector<Architecture> known{{"SDXL base 1.0", sdxl, std::nullopt}};
  if (std::optional<Architecture> other = default_architecture()) {
    if (same_layers(*other->names, *sdxl))
      known.front().base = other->base;
    else
      known.push_back(*std::move(other));
  }
  return known;
}

const Architecture& best_match(const fs::path& adapter, const std::vector<Architecture>& candidates) {
  const Architecture* best = &candidates.front();
  double best_share =
      0.5;  // a file that is mostly for neither is compared with SDXL, which its user had in mind
  for (const Architecture& candidate : candidates) {
    const double share = match_base(adapter, *candidate.names).share();
    if (share > best_share) best = &candidate, best_share = share;
    if (share == 1.0) break;
  }
  return *best;
}

Architecture architecture_of(const std::vector<fs::path>& adapters, const std::optional<fs::path>& base) {
  if (base) return architecture_of_base(resolve_base(base));
  const std::vector<Architecture> known = known_architectures();
  const Architecture* common = nullptr;
  for (const fs::path& adapter : adapters) {
    const Architecture& own = best_match(adapter, known);
    if (common != nullptr && common != &own)
      throw Error(ErrorKind::kIncompatible, "read " + adapter.string(),
                  fmt::format("it is for a base {}, but {} is for a base {}", own.name,
                              adapters.front().string(), common->name),
                  "use adapters that were trained on the same base");
    common = &own;
  }
  return common != nullptr ? *common : known.front();
}

BaseWeights base_weights(const fs::path& base, const TargetNames& names) {
  return [base, unet = names.unet, text_encoder_2 = names.text_encoder_2,
          files = std::make_shared<std::unique_ptr<BaseFiles>>()](const std::string& canonical) {
    if (!*files) *files = std::make_unique<BaseFiles>(base, unet, text_encoder_2);
    return (*files)->tensor(canonical + ".weight");
  };
}

}  // namespace ziplora
