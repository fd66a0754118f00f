#include "ziplora/app/merge_recipe.h"

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace fs = std::filesystem;

std::optional<Recipe> read_recipe(const MergeRequest& request) {
  if (!request.recipe) return std::nullopt;
  if (!request.inputs.empty() || !request.options.empty())
    throw Error(ErrorKind::kUsage, "merge: --recipe " + request.recipe->string(),
                "inputs, method and options stand in the recipe, not beside it",
                "leave out --subject, --style, --adapter, --method and the method's options");
  return parse_recipe(read_json_file(*request.recipe), request.recipe->filename().string());
}

std::vector<MergeFile> files_of(const Recipe& recipe, const fs::path& recipe_path) {
  std::vector<MergeFile> files;
  for (const fs::path& file : recipe.files()) {
    MergeFile input{.path = recipe_path.parent_path() / file, .role = {}, .prompts = {}, .images = {}};
    for (const RecipeStep& step : recipe.steps)
      for (const RecipeInput& use : step.inputs)
        if (input.role.empty() && !use.step && use.file == file)
          input.role = use.role, input.weight = use.weight;
    files.push_back(std::move(input));
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
