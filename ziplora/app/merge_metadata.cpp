#include "ziplora/app/merge_metadata.h"

#include <fmt/format.h>

#include <map>

#include "ziplora/base/printable.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

/// File names and prompts are bytes of any encoding, a file's metadata is UTF-8.
std::string utf8(const std::string& text) {
  return nlohmann::json::parse(json_line(text)).get<std::string>();
}

std::string title_of(const Adapter& adapter) {
  const auto title = adapter.metadata.find("modelspec.title");
  return title == adapter.metadata.end() ? adapter.source.stem().string() : title->second;
}

/// "last/10_img", or "last/10_img (2)" where that is there.
std::string name_without_equal(const nlohmann::json& object, const std::string& name) {
  std::string free = name;
  for (int n = 2; object.contains(free); ++n) free = fmt::format("{} ({})", name, n);
  return free;
}

std::string name_of(const Adapter& adapter) { return printable(adapter.source.filename().string()); }

/// Values that the merge has from its inputs where all that say one say the same. Licences that differ all
/// hold, as SPDX writes it; of other differing values none is true of the merge.
void keep_what_agrees(const std::vector<MergeInput>& inputs, StringMap& metadata, ProgressSink& progress) {
  for (const char* key : {"ss_base_model_version", "modelspec.prediction_type", "modelspec.license"}) {
    std::map<std::string, std::string> said;  // value → which input says so
    for (const MergeInput& input : inputs)
      if (const auto found = input.adapter->metadata.find(key); found != input.adapter->metadata.end())
        said.emplace(found->second, name_of(*input.adapter));
    if (said.empty()) continue;
    const bool is_licence = std::string_view(key) == "modelspec.license";
    if (said.size() == 1 || is_licence) {
      std::string& value = metadata[key];
      for (const auto& [one, file] : said) value += (value.empty() ? "" : " AND ") + one;
    }
    if (said.size() == 1) continue;
    std::string values;
    for (const auto& [value, file] : said)
      values += fmt::format("{}\"{}\" ({})", values.empty() ? "" : ", ", printable(value), file);
    progress.warning(fmt::format("the inputs differ in {}: {}; {}", key, values,
                                 is_licence ? "the merge names all" : "the merge keeps none of them"));
  }
}

/// Under names of their own: titles and folders of two inputs may be equal.
void add_tags(const Adapter& adapter, nlohmann::json& tags, ProgressSink& progress) {
  const auto found = adapter.metadata.find("ss_tag_frequency");
  if (found == adapter.metadata.end()) return;
  const auto own = parse_json(found->second);
  if (!own || !own->is_object())
    return progress.warning(name_of(adapter) + ": its ss_tag_frequency is no JSON object and is left out");
  for (const auto& [folder, counts] : own->items())
    tags[name_without_equal(tags, title_of(adapter) + "/" + folder)] = counts;
}

}  // namespace

StringMap merged_metadata(const MergeRequest& request, const std::vector<MergeInput>& inputs,
                          const std::vector<std::string>& digests, nlohmann::json recipe,
                          const nlohmann::json& report, ProgressSink& progress) {
  recipe["seed"] = request.seed;
  if (request.rank) recipe["rank"] = *request.rank;
  StringMap metadata;
  std::string merged_from, phrases;
  nlohmann::json tags = nlohmann::json::object();
  for (size_t k = 0; k < inputs.size(); ++k) {
    const MergeInput& input = inputs[k];
    const Adapter& adapter = *input.adapter;
    recipe["inputs"].push_back({{"file", adapter.source.filename().string()},
                                {"sha256", digests[k]},
                                {"role", input.role},
                                {"weight", input.weight},
                                {"prompt", input.prompt}});
    merged_from += (merged_from.empty() ? "" : ", ") + title_of(adapter);
    if (!input.prompt.empty()) phrases += (phrases.empty() ? "" : ", ") + input.prompt;
    add_tags(adapter, tags, progress);
  }
  keep_what_agrees(inputs, metadata, progress);
  if (!tags.empty()) metadata["ss_tag_frequency"] = json_line(tags);
  metadata["ss_output_name"] = utf8(request.output.stem().string());
  metadata["modelspec.title"] = utf8(request.output.stem().string());
  metadata["modelspec.merged_from"] = utf8(merged_from);
  if (!phrases.empty()) metadata["modelspec.trigger_phrase"] = utf8(phrases);
  for (const char* name : {"overlap", "fidelity", "mean_movement", "iterations"}) {
    if (!report.contains(name)) continue;
    recipe["result"][name] = report[name];
    if (std::string(name) == "overlap") recipe["result"][name].erase("per_layer");
  }
  metadata["ziplora.recipe"] = json_line(recipe);
  return metadata;
}

std::string prompt_from_metadata(const StringMap& metadata) {
  for (const char* key : {"ziplora.prompt", "modelspec.trigger_phrase"})
    if (const auto found = metadata.find(key); found != metadata.end() && !found->second.empty())
      return found->second;
  const auto found = metadata.find("ss_tag_frequency");
  if (found == metadata.end()) return "";
  const auto folders = parse_json(found->second);
  if (!folders || !folders->is_object()) return "";
  std::string best;
  double most = 0;
  for (const auto& [folder, counts] : folders->items()) {
    if (!counts.is_object()) continue;
    for (const auto& [tag, count] : counts.items())
      if (count.is_number() && count.get<double>() > most) most = count.get<double>(), best = tag;
  }
  return best;
}

}  // namespace ziplora
