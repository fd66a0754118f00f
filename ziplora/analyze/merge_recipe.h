#pragma once
/// The recipe that a merge by ziplora leaves in its file's metadata, as it is shown to people. The file may
/// be anybody's, so any field may be missing or of another type: what cannot be read is absent.
///
///     if (const auto recipe = parse_merge_recipe(metadata.at("ziplora.recipe")))
///       recipe->method;   // "zip"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ziplora {

struct MergeRecipe {
  struct Input {
    /// A value that is not a string is kept as the JSON it is.
    std::optional<std::string> role, file, sha256;
    std::optional<double> strength;
    /// Absent: the recipe does not say. Files of earlier versions have one prompt.
    std::optional<std::vector<std::string>> prompts;
  };
  struct Overlap {
    std::optional<double> before, after;
    std::optional<double> mean_movement;  ///< of the merger coefficients
  };
  std::optional<std::string> method, seed;
  std::vector<Input> inputs;
  /// Absent: no joint prompt counted.
  std::optional<std::vector<std::string>> joint_prompts;
  std::optional<Overlap> overlap;
  nlohmann::ordered_json json;  ///< the whole recipe, members in the file's order
};

/// @return nothing if the text is not a JSON object
std::optional<MergeRecipe> parse_merge_recipe(std::string_view text);

}  // namespace ziplora
