#pragma once
/// One Iconify package (`@iconify-json/<name>`): its drawings as SVG documents, their author and licence.
///
///     IconPackage noto(".cache/world/node_modules/@iconify-json/noto");
///     std::string svg = noto.svg("fox");
///
/// Format: https://iconify.design/docs/types/iconify-json.html — icons.json holds the inner part of each SVG
/// (`body`) and the box it is drawn in, per icon or for the whole package. Aliases are not resolved:
/// subjects.json names icons.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace ziplora::mini {

class IconPackage {
 public:
  /// @throws Error(kInput) if icons.json or info.json is missing or not Iconify JSON; the hint says how to
  ///         install the packages
  explicit IconPackage(const std::filesystem::path& folder);

  bool contains(std::string_view icon) const;
  /// @throws Error(kInput) if there is no such icon
  std::string svg(std::string_view icon) const;

  const std::string& author() const { return author_; }
  const std::string& author_url() const { return author_url_; }
  const std::string& licence() const { return licence_; }  ///< SPDX: "Apache-2.0"

 private:
  std::filesystem::path folder_;
  nlohmann::json icons_;
  double left_, top_, width_, height_;
  std::string author_, author_url_, licence_;
};

}  // namespace ziplora::mini
