#pragma once
/// A folder in which long work leaves what the same command uses again. So it says what its files come from, and other
/// work is refused.
///
///     claim_folder(request.output, recipe, "report --loras");

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace ziplora::mini {

/// SHA-256 of each of a base's weight files, by its path in the folder; null if there is none.
nlohmann::json weights_of(const std::filesystem::path& base);

/// Makes the folder and writes the recipe to its recipe.json, if the folder is empty. Several processes may claim it at once.
/// @param where  the verb, for messages
/// @throws Error(kUsage) if its files come from another recipe, or do not say from which
void claim_folder(const std::filesystem::path& folder, const nlohmann::json& recipe,
                  const std::string& where);

}  // namespace ziplora::mini
