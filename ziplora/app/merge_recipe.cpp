#include "ziplora/app/merge_recipe.h"

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

const RecipeInput& first_use(const Recipe& recipe, const fs::path& file) {
  for (const RecipeStep& step : recipe.steps)
    for (const RecipeInput& input : step.inputs)
      if (!input.step && input.file == file) return input;
  throw Error(ErrorKind::kInternal, "merge: --recipe", "nothing uses " + file.string());
}

}  // namespace

std::optional<Recipe> read_recipe(const MergeRequest& request) {
  if (!request.recipe) return std::nullopt;
  if (!request.inputs.empty() || !request.options.empty() || request.method != MergeRequest{}.method)
    throw Error(ErrorKind::kUsage, "merge: --recipe " + request.recipe->string(),
                "the recipe itself holds inputs, methods and options; none can be given beside it",
                "leave out --subject, --style, --adapter, --method and the method's options");
  return parse_recipe(read_json_file(*request.recipe), request.recipe->filename().string());
}

std::vector<MergeFile> files_of(const Recipe& recipe, const fs::path& recipe_path) {
  std::vector<MergeFile> files;
  for (const fs::path& file : recipe.files()) {
    const RecipeInput& use = first_use(recipe, file);
    files.push_back({.path = recipe_path.parent_path() / file, .role = use.role, .strength = use.strength});
  }
  return files;
}

std::map<fs::path, const Adapter*> adapters_by_name(const Recipe& recipe,
                                                    const std::vector<Adapter>& adapters) {
  std::map<fs::path, const Adapter*> result;
  const std::vector<fs::path> files = recipe.files();
  for (size_t k = 0; k < files.size(); ++k) result[files[k]] = &adapters[k];
  return result;
}

}  // namespace ziplora
