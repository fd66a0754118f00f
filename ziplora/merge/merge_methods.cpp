#include "ziplora/base/nearest_name.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

// Each method is defined in the file of its name (`MergeMethod direct_method();` in direct.cpp). Only this
// list knows it, too.
MergeMethod ssr_method();
MergeMethod zip_method();
MergeMethod route_method();
MergeMethod zip_solve_method();
MergeMethod direct_method();
MergeMethod linear_method();
MergeMethod svd_method();
MergeMethod ties_method();
MergeMethod dare_linear_method();
MergeMethod dare_ties_method();
MergeMethod magnitude_prune_method();
MergeMethod breadcrumbs_method();
MergeMethod block_method();
MergeMethod np_method();
MergeMethod orthogonal_method();
MergeMethod knots_method();
MergeMethod core_space_method();
MergeMethod tsv_method();
MergeMethod iso_c_method();
MergeMethod ctm_method();
MergeMethod lora_optimizer_method();

const std::vector<MergeMethod>& merge_methods() {
  static const std::vector<MergeMethod> table = {ssr_method(),
                                                 zip_method(),
                                                 zip_solve_method(),
                                                 route_method(),
                                                 direct_method(),
                                                 linear_method(),
                                                 svd_method(),
                                                 ties_method(),
                                                 dare_linear_method(),
                                                 dare_ties_method(),
                                                 magnitude_prune_method(),
                                                 breadcrumbs_method(),
                                                 block_method(),
                                                 np_method(),
                                                 orthogonal_method(),
                                                 knots_method(),
                                                 core_space_method(),
                                                 tsv_method(),
                                                 iso_c_method(),
                                                 ctm_method(),
                                                 lora_optimizer_method()};
  return table;
}

const MergeMethod& find_merge_method(const std::string& name) {
  std::vector<std::string> names;
  for (const MergeMethod& method : merge_methods()) {
    if (name == method.name) return method;
    names.push_back(method.name);
  }
  throw unknown_name("merge: --method", name, names);
}

const OptionTable& merge_option_table() {
  static const OptionTable table = [] {
    OptionTable filled{.verb = "merge", .row_word = "method", .rows = {}};
    for (const MergeMethod& method : merge_methods())
      filled.rows.push_back({method.name, method.summary, method.options});
    return filled;
  }();
  return table;
}

nlohmann::json resolve_options(const MergeMethod& method, const nlohmann::json& given) {
  return resolve_options(merge_option_table(), method.name, given);
}

}  // namespace ziplora
