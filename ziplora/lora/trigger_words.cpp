#include "ziplora/lora/trigger_words.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ziplora/io/json_file.h"

namespace ziplora {

std::vector<std::string> trigger_words(const StringMap& metadata) {
  std::vector<std::string> words;
  std::set<std::string> seen;
  const auto add = [&](const std::string& word) {
    if (!word.empty() && seen.insert(word).second) words.push_back(word);
  };
  for (const char* key : {"ziplora.prompt", "modelspec.trigger_phrase"})
    if (const auto found = metadata.find(key); found != metadata.end()) add(found->second);
  const auto found = metadata.find("ss_tag_frequency");
  const auto folders = found == metadata.end() ? std::nullopt : parse_json(found->second);
  if (!folders || !folders->is_object()) return words;
  std::map<std::string, double> counts;
  for (const auto& [folder, tags] : folders->items()) {
    if (!tags.is_object()) continue;
    for (const auto& [tag, count] : tags.items())
      if (count.is_number()) counts[tag] += count.get<double>();
  }
  std::vector<std::pair<double, std::string>> by_count;
  for (const auto& [tag, count] : counts)
    if (count > 0) by_count.emplace_back(-count, tag);
  std::ranges::sort(by_count);
  for (const auto& [negative, tag] : by_count) add(tag);
  return words;
}

}  // namespace ziplora
