#include "mini/world/icon_package.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora::mini {
namespace {

/// The largest package, fluent-emoji, has 104 MB; package-lock.json has its checksum.
constexpr size_t kPackageLimitBytes = size_t{256} << 20;
constexpr const char* kInstallAgain = "install the drawings' packages again: mini/tools/world_packages.sh";

nlohmann::json read_package_file(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    throw Error(ErrorKind::kInput, "world: " + path.string(), "the file is missing",
                "run mini/tools/world_packages.sh");
  return read_json_file(path, kPackageLimitBytes);
}

}  // namespace

IconPackage::IconPackage(const std::filesystem::path& folder) : folder_(folder) {
  nlohmann::json data = read_package_file(folder / "icons.json"),
                 info = read_package_file(folder / "info.json");
  try {
    icons_ = std::move(data.at("icons"));
    // Iconify's defaults: a box of 16 × 16 at the origin.
    left_ = data.value("left", 0.0), top_ = data.value("top", 0.0);
    width_ = data.value("width", 16.0), height_ = data.value("height", 16.0);
    author_ = info.at("author").at("name"), author_url_ = info.at("author").value("url", "");
    licence_ = info.at("license").at("spdx");
  } catch (const nlohmann::json::exception& problem) {
    throw Error(ErrorKind::kInput, "world: " + folder.string(),
                std::string("not an Iconify package: ") + problem.what(), kInstallAgain);
  }
}

bool IconPackage::contains(std::string_view icon) const { return icons_.contains(icon); }

std::string IconPackage::svg(std::string_view icon) const {
  auto found = icons_.find(icon);
  if (found == icons_.end()) {
    throw Error(ErrorKind::kInput, "world: " + folder_.string(), fmt::format("there is no icon '{}'", icon),
                kInstallAgain);
  }
  // `color` is what currentColor means in the packages of one colour.
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" color="#000" )"
      R"(viewBox="{} {} {} {}">{}</svg>)",
      found->value("left", left_), found->value("top", top_), found->value("width", width_),
      found->value("height", height_), found->at("body").get_ref<const std::string&>());
}

}  // namespace ziplora::mini
