#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/io/json_file.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

// Each method is defined in the file of its name (`MergeMethod direct_method();` in direct.cpp). Only this
// list knows it, too.
MergeMethod zip_method();
MergeMethod ssr_method();
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

namespace {

const char* words_for_type(const nlohmann::json& value) {
  if (value.is_boolean()) return "true or false";
  if (value.is_number_integer()) return "a whole number";
  if (value.is_number()) return "a number";
  return "a string";
}

bool same_type(const nlohmann::json& value, const nlohmann::json& like) {
  if (like.is_number_float()) return value.is_number();
  if (like.is_number_integer()) return value.is_number_integer();
  return value.type() == like.type();
}

void check_value(const std::string& where, const MergeOption& option, const nlohmann::json& value) {
  if (!same_type(value, option.default_value))
    throw Error(ErrorKind::kUsage, where,
                fmt::format("{} is not {}", json_line(value), words_for_type(option.default_value)),
                "the default is " + json_line(option.default_value));
  if (!option.choices.empty()) {
    const std::string word = value.get<std::string>();
    if (std::find(option.choices.begin(), option.choices.end(), word) == option.choices.end())
      throw unknown_name(where, word, option.choices);
  }
  if (option.minimum && value.get<double>() < *option.minimum)
    throw Error(ErrorKind::kUsage, where,
                fmt::format("{} is too small; the minimum is {}", json_line(value), *option.minimum),
                "the default is " + json_line(option.default_value));
  if (value.is_number_integer() && value.get<double>() > static_cast<double>(option.maximum))
    throw Error(ErrorKind::kUsage, where,
                fmt::format("{} is too large; the maximum is {}", json_line(value), option.maximum),
                "the default is " + json_line(option.default_value));
}

/// @return nothing if the method has no such option
const MergeOption* option_of(const MergeMethod& method, const std::string& name) {
  const auto option = std::ranges::find(method.options, name, &MergeOption::name);
  return option == method.options.end() ? nullptr : &*option;
}

Error unknown_option(const MergeMethod& method, const std::string& name) {
  const std::string where = fmt::format("merge: options of method '{}'", method.name);
  std::vector<std::string> owners, names;
  for (const MergeMethod& other : merge_methods())
    if (option_of(other, name)) owners.push_back(other.name);
  if (!owners.empty())
    return Error(ErrorKind::kUsage, where,
                 fmt::format("there is no '{}'; it is an option of {}", name, fmt::join(owners, ", ")),
                 fmt::format("leave it out, or choose the method {}", fmt::join(owners, " or ")));
  for (const MergeOption& option : method.options) names.push_back(option.name);
  return unknown_name(where, name, names);
}

}  // namespace

const char* MergeOption::type_name() const {
  if (default_value.is_number_integer()) return "INT";
  if (default_value.is_number()) return "FLOAT";
  return value_name ? value_name : "NAME";
}

const std::vector<MergeMethod>& merge_methods() {
  static const std::vector<MergeMethod> table = {zip_method(),
                                                 zip_solve_method(),
                                                 ssr_method(),
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

nlohmann::json resolve_options(const MergeMethod& method, const nlohmann::json& given) {
  nlohmann::json resolved = nlohmann::json::object();
  for (const MergeOption& option : method.options) resolved[option.name] = option.default_value;
  for (const auto& [name, value] : given.items()) {
    const MergeOption* option = option_of(method, name);
    if (!option) throw unknown_option(method, name);
    check_value("merge: --" + name, *option, value);
    resolved[name] = value;
  }
  return resolved;
}

}  // namespace ziplora
