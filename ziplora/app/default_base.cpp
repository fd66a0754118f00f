#include "ziplora/app/default_base.h"

#include <cstdlib>
#include <string>

#include "ziplora/base/assets.h"
#include "ziplora/base/error.h"

namespace ziplora {
namespace fs = std::filesystem;

namespace {

/// Where the miniature's folder is, if it is there.
std::optional<fs::path> miniature() {
  const auto index = find_asset("mini/model_index.json");
  return index ? std::optional(index->parent_path()) : std::nullopt;
}

}  // namespace

std::optional<fs::path> named_base(const std::optional<fs::path>& given) {
  const char* from_environment = std::getenv("ZIPLORA_BASE");
  if (given || !from_environment || !*from_environment) return given;
  return from_environment;
}

fs::path resolve_base(const std::optional<fs::path>& given) {
  if (const auto named = named_base(given)) {
    if (fs::exists(*named)) return *named;
    if (given)
      throw Error(
          ErrorKind::kInput, "base " + given->string(), "there is no such file or folder",
          "give a diffusers folder or a single-file checkpoint, or leave --base out for the miniature");
    throw Error(ErrorKind::kInput, "base " + named->string(),
                "the environment variable ZIPLORA_BASE names it and it does not exist", "unset ZIPLORA_BASE");
  }
  if (const auto found = miniature()) return *found;
  std::string searched;
  for (const fs::path& place : asset_places("mini"))
    searched += (searched.empty() ? "" : " and ") + place.string();
  throw Error(ErrorKind::kInput, "base", "no base was named and the miniature is not at " + searched,
              "name one with --base DIR or the environment variable ZIPLORA_BASE");
}

bool is_miniature(const std::optional<fs::path>& given) {
  const auto named = named_base(given);
  if (!named) return true;
  const auto found = miniature();
  std::error_code missing;
  return found && fs::equivalent(*named, *found, missing);
}

}  // namespace ziplora
