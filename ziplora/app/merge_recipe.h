#pragma once
/// What `ziplora merge --recipe` adds to a merge: the recipe read from its file, and its files as inputs.

#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "ziplora/app/merge.h"
#include "ziplora/merge/recipe.h"

namespace ziplora {

/// @return nothing if none is asked for
/// @throws Error(kInput) if the file is not valid JSON, Error(kUsage) as parse_recipe, or if inputs, a method
///         or options are given beside it
std::optional<Recipe> read_recipe(const MergeRequest& request);

/// The recipe's files as inputs, each with the role and strength of its first use. The recipe's paths are
/// relative to its folder.
std::vector<MergeFile> files_of(const Recipe& recipe, const std::filesystem::path& recipe_path);

/// @param adapters  those of files_of, in that order
std::map<std::filesystem::path, const Adapter*> adapters_by_name(const Recipe& recipe,
                                                                 const std::vector<Adapter>& adapters);

}  // namespace ziplora
