#pragma once
/// What takes part in a comparison: one way of bringing a pair's LoRAs together, as a row of the table names it.
///
///     [{"method": "direct"},
///      {"method": "direct", "strengths": [0.7, 1]},
///      {"name": "ssr, own prompts", "method": "ssr", "options": {"joint-weight": 0}},
///      {"method": "zip", "style_strengths": [1, 1.5, 2]},
///      {"strategy": "k-lora"},
///      {"name": "trained together", "file": "joint"}]
///
///     for (const Contender& contender : read_contenders(json, "methods.json")) …
///
/// Each style strength is a row of its own: they are the method's course between the two axes. The bounds (the base, each
/// LoRA alone) belong to every comparison.

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ziplora {

struct Contender {
  enum class Way {
    kBase,      ///< no LoRA
    kSubject,   ///< the subject's alone
    kStyle,     ///< the style's alone
    kMerge,     ///< one file, by a row of merge_methods()
    kStrategy,  ///< both files, by a row of strategies()
    kFile,      ///< a ready file for both, which the pair has under the name `by`
  };
  std::string name;
  Way way = Way::kMerge;
  /// The method's, strategy's or file's name; empty for bounds.
  std::string by = {};
  /// Of the method or strategy, by name; the others have their defaults.
  nlohmann::json options = nlohmann::json::object();
  /// Of the subject's and the style's LoRA, before they are merged.
  std::array<double, 2> strengths = {1, 1};
  /// The paper's w_s: weighs the style's side of the merged file while images are drawn.
  double style_strength = 1;

  bool is_bound() const { return way == Way::kBase || way == Way::kSubject || way == Way::kStyle; }
};

/// The base, the subject's LoRA and the style's.
std::vector<Contender> bounds();

/// @param methods  a list as above, at least one entry
/// @param where    the file, for messages
/// @throws Error(kInput) that names the entry: a key that is unknown or missing, or a name given twice. Whether methods
///         and options exist is for their tables to say
std::vector<Contender> read_contenders(const nlohmann::json& methods, const std::string& where);

nlohmann::json to_json(const Contender& contender);

}  // namespace ziplora
