#include "ziplora/app/merge_metadata.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <string_view>

#include "ziplora/base/printable.h"
#include "ziplora/io/json_file.h"
#include "ziplora/lora/trigger_words.h"

namespace ziplora {
namespace {

/// "cat.safetensors", or "cat" for the folder cat/.
std::filesystem::path file_name(const Adapter& adapter) {
  const std::filesystem::path& path = adapter.source;
  return (path.has_filename() ? path : path.parent_path()).filename();
}

std::string title_of(const Adapter& adapter) {
  const auto title = adapter.metadata.find("modelspec.title");
  return title == adapter.metadata.end() ? file_name(adapter).stem().string() : title->second;
}

/// "last/10_img", or "last/10_img (2)" if the first is taken.
std::string name_without_equal(const nlohmann::json& object, const std::string& name) {
  std::string free = name;
  for (int n = 2; object.contains(free); ++n) free = fmt::format("{} ({})", name, n);
  return free;
}

/// File names, or whole paths where two inputs share a name.
std::vector<std::string> names_of(const std::vector<MergeInput>& inputs) {
  std::vector<std::string> names;
  std::map<std::string, int> uses;
  for (const MergeInput& input : inputs) {
    names.push_back(printable(file_name(*input.adapter).string()));
    ++uses[names.back()];
  }
  for (size_t k = 0; k < inputs.size(); ++k)
    if (uses.at(names[k]) > 1) names[k] = printable(inputs[k].adapter->source.string());
  return names;
}

/// All licences apply, in SPDX's notation: "CC0 AND (GPL OR MIT)".
std::string all_licences(const std::set<std::string>& said) {
  if (said.size() == 1) return *said.begin();
  const auto simple = [](const std::string& licence) {
    return licence.find_first_of("()") == std::string::npos && licence.find(" OR ") == std::string::npos;
  };
  std::set<std::string> single;  // the input may be a merge with such a list of its own
  for (std::string rest : said) {
    constexpr std::string_view kAnd = " AND ";
    if (!simple(rest)) {
      single.insert("(" + rest + ")");
      continue;
    }
    for (size_t at; (at = rest.find(kAnd)) != std::string::npos; rest.erase(0, at + kAnd.size()))
      single.insert(rest.substr(0, at));
    single.insert(rest);
  }
  return fmt::format("{}", fmt::join(single, " AND "));
}

constexpr const char* kLicence = "modelspec.license";

/// Values that the merge takes over if all inputs that have one agree, and what happens if they do not.
struct Carried {
  const char* key;
  const char* otherwise;
};
constexpr Carried kCarried[] = {{"ss_base_model_version", "the merge is marked by its shapes alone"},
                                {"modelspec.prediction_type", "the merge names none"},
                                {kLicence, "the merge names all that are named"}};

void carry_over(const std::vector<MergeInput>& inputs, const std::vector<std::string>& names,
                StringMap& metadata, ProgressSink& progress) {
  for (const Carried& carried : kCarried) {
    std::map<std::string, std::string> who;  // by value; "" where an input has none
    std::set<std::string> said;
    for (size_t k = 0; k < inputs.size(); ++k) {
      const StringMap& own = inputs[k].adapter->metadata;
      const auto found = own.find(carried.key);
      const std::string value = found == own.end() ? "" : found->second;
      if (!value.empty()) said.insert(value);
      who[value] += (who[value].empty() ? "" : ", ") + names[k];
    }
    if (said.empty()) continue;
    const bool is_licence = carried.key == std::string_view(kLicence);
    if (is_licence)
      metadata[carried.key] = all_licences(said);
    else if (said.size() == 1)
      metadata[carried.key] = *said.begin();
    if (!is_licence) who.erase("");  // that an input has none matters only for licences
    if (who.size() == 1) continue;
    std::string values;
    for (const auto& [value, files] : who)
      values += fmt::format("{}{} ({})", values.empty() ? "" : ", ",
                            value.empty() ? "none" : '"' + printable(value) + '"', files);
    progress.warning(fmt::format("the inputs differ in {}: {}; {}", carried.key, values, carried.otherwise));
  }
}

/// Under names of their own, since titles and folders of two inputs may be equal.
void add_tags(const Adapter& adapter, const std::string& name, nlohmann::json& tags, ProgressSink& progress) {
  const auto found = adapter.metadata.find("ss_tag_frequency");
  if (found == adapter.metadata.end()) return;
  const auto own = parse_json(found->second);
  if (!own || !own->is_object())
    return progress.warning(name + ": its ss_tag_frequency is not a JSON object and is left out");
  for (const auto& [folder, counts] : own->items())
    tags[name_without_equal(tags, title_of(adapter) + "/" + folder)] = counts;
}

/// What a merge learned, without what it says of each layer and iteration.
nlohmann::json summary_of(const Learning& learning) {
  const nlohmann::json all = learning.to_json();
  nlohmann::json summary;
  for (const char* name : {"overlap", "fidelity", "mean_movement", "movement", "iterations"})
    summary[name] = all[name];
  summary["overlap"].erase("per_layer");
  return summary;
}

}  // namespace

StringMap merged_metadata(const MergeRequest& request, const std::vector<MergeInput>& inputs,
                          const std::vector<std::string>& digests, nlohmann::json recipe,
                          const MergeReport& report, ProgressSink& progress) {
  recipe["seed"] = request.seed;
  if (request.rank) recipe["rank"] = *request.rank;
  const std::vector<std::string> names = names_of(inputs);
  StringMap metadata;
  std::string merged_from, phrases;
  nlohmann::json tags = nlohmann::json::object();
  for (size_t k = 0; k < inputs.size(); ++k) {
    const MergeInput& input = inputs[k];
    const Adapter& adapter = *input.adapter;
    recipe["inputs"].push_back({{"file", file_name(adapter).string()},
                                {"sha256", digests[k]},
                                {"role", name_of(input.role)},
                                {"weight", input.strength},
                                {"prompts", input.prompts}});
    merged_from += (merged_from.empty() ? "" : ", ") + title_of(adapter);
    // The trigger words are those that an adapter was trained on; zip's prompts may show other things under
    // them.
    std::vector<std::string> triggers = trigger_words(adapter.metadata);
    if (triggers.empty()) triggers = input.prompts;
    if (!triggers.empty()) phrases += (phrases.empty() ? "" : ", ") + triggers.front();
    add_tags(adapter, names[k], tags, progress);
  }
  carry_over(inputs, names, metadata, progress);
  if (!tags.empty()) metadata["ss_tag_frequency"] = json_line(tags);
  metadata["ss_output_name"] = request.output.stem().string();
  metadata["modelspec.title"] = request.output.stem().string();
  metadata["modelspec.merged_from"] = merged_from;
  if (!phrases.empty()) metadata["modelspec.trigger_phrase"] = phrases;
  if (report.learning) recipe["result"] = summary_of(*report.learning);
  metadata["ziplora.recipe"] = json_line(recipe);
  return metadata;
}

}  // namespace ziplora
