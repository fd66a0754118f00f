#include "ziplora/merge/block_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/base/parse_number.h"

namespace ziplora {
namespace {

/// All 26 names in kohya's order.
const std::vector<std::string>& block_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result{"BASE"};
    for (int i = 0; i < 12; ++i) result.push_back(fmt::format("IN{:02}", i));
    result.push_back("MID");
    for (int i = 0; i < 12; ++i) result.push_back(fmt::format("OUT{:02}", i));
    return result;
  }();
  return names;
}

/// By length of the list: the blocks that its numbers stand for, as indices into block_names().
const std::map<size_t, std::set<int>>& kohya_lists() {
  static const std::map<size_t, std::set<int>> lists = [] {
    std::map<size_t, std::set<int>> result{
        {12, {0, 5, 6, 8, 9, 13, 14, 15, 16, 17, 18, 19}},
        {17, {0, 2, 3, 5, 6, 8, 9, 13, 17, 18, 19, 20, 21, 22, 23, 24, 25}},
        {20, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22}}};
    for (int i = 0; i < 26; ++i) result[26].insert(i);
    return result;
  }();
  return lists;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) {
    const size_t begin = word.find_first_not_of(" []"), end = word.find_last_not_of(" []");
    words.push_back(begin == std::string::npos ? "" : word.substr(begin, end - begin + 1));
  }
  return words;
}

double weight_in(const std::string& word, const std::string& where) {
  if (const auto value = parse_number<double>(word)) return *value;
  throw Error(ErrorKind::kUsage, where, fmt::format("'{}' is not a number", word),
              "give a list of numbers, NAME=WEIGHT,…, or one of all, content, style");
}

/// A path ends at a dot: attentions.1 is not attentions.10.
bool lies_in(const std::string& path, const std::string& canonical) {
  return canonical.starts_with(path) && (canonical.size() == path.size() || canonical[path.size()] == '.');
}

/// All modules above the targets and the targets themselves: "unet", "unet.up_blocks", …
std::vector<std::string> module_paths(const TargetNames& names) {
  std::set<std::string> paths;
  for (const auto* list : {&names.targets(), &names.norms()})
    for (const TargetName& target : *list) {
      const std::string& whole = target.canonical;
      for (size_t dot = whole.find('.'); dot != std::string::npos; dot = whole.find('.', dot + 1))
        paths.insert(whole.substr(0, dot));
      paths.insert(whole);
    }
  return {paths.begin(), paths.end()};
}

}  // namespace

BlockWeights BlockWeights::parse(const std::string& text, const std::string& where) {
  if (text == "content") return parse("unet.up_blocks.0.attentions.0=1,rest=0", where);
  if (text == "style") return parse("unet.up_blocks.0.attentions.1=1,rest=0", where);
  BlockWeights result;
  if (text == "all") return result;
  const std::vector<std::string> words = split(text);
  if (text.find('=') != std::string::npos) {
    for (const std::string& word : words) {
      const size_t equals = word.find('=');
      const std::string name = word.substr(0, equals);
      if (equals == std::string::npos)
        throw Error(ErrorKind::kUsage, where, fmt::format("'{}' has no weight", word),
                    fmt::format("for example {}=1", name));
      const double weight = weight_in(word.substr(equals + 1), where);
      std::vector<std::string> known = block_names();
      known.push_back("rest");
      if (name == "rest") {
        result.rest_ = weight;
      } else if (std::find(known.begin(), known.end(), name) != known.end()) {
        result.blocks_[name] = weight;
      } else if (name.starts_with("unet") || name.starts_with("text_encoder")) {
        result.paths_[name] = weight;
      } else {
        throw unknown_name(where, name, known);
      }
    }
    return result;
  }
  if (words.size() < 2 && (words.empty() || !parse_number<double>(words.front())))
    throw unknown_name(where, text, {"all", "content", "style"});
  const auto list = kohya_lists().find(words.size());
  if (list == kohya_lists().end())
    throw Error(
        ErrorKind::kUsage, where, fmt::format("found {} weights, a list has 12, 17, 20 or 26", words.size()),
        "for SDXL: 12 (BASE, IN04, IN05, IN07, IN08, MID, OUT00 … OUT05) or 20 (BASE, IN00 … IN08, MID, "
        "OUT00 … OUT08)");
  size_t i = 0;
  for (const int block : list->second) result.blocks_[block_names()[block]] = weight_in(words[i++], where);
  return result;
}

void BlockWeights::require_paths_in(const TargetNames& names, const std::string& where) const {
  const auto holds_any = [](const std::string& path, const std::vector<TargetName>& targets) {
    return std::any_of(targets.begin(), targets.end(),
                       [&](const TargetName& target) { return lies_in(path, target.canonical); });
  };
  for (const auto& [path, weight] : paths_) {
    if (holds_any(path, names.targets()) || holds_any(path, names.norms())) continue;
    const std::optional<std::string> nearest = nearest_name(path, module_paths(names));
    throw Error(ErrorKind::kUsage, where, fmt::format("no layer lies in '{}'", path),
                nearest ? fmt::format("did you mean '{}'?", *nearest)
                        : "for example unet.up_blocks.0.attentions.1=0.5");
  }
}

double BlockWeights::of(const TargetName& target) const {
  size_t longest = 0;
  double weight = rest_;
  if (const auto block = blocks_.find(block_of(target)); block != blocks_.end()) weight = block->second;
  for (const auto& [path, own] : paths_) {
    if (lies_in(path, target.canonical) && path.size() > longest) longest = path.size(), weight = own;
  }
  return weight;
}

std::string block_of(const TargetName& target) {
  if (target.component != "unet") return "BASE";
  const std::string& path = target.sgm_path;
  const size_t dot = path.find('.');
  const std::string group = path.substr(0, dot);
  if (group == "middle_block") return "MID";
  const bool in = group == "input_blocks", out = group == "output_blocks";
  if (in || out) {
    const std::string index = path.substr(dot + 1, path.find('.', dot + 1) - dot - 1);
    return fmt::format("{}{:02}", in ? "IN" : "OUT", parse_number<int>(index).value());
  }
  // kohya counts the embeddings with the first block, the last convolution after OUT08.
  return group == "out" ? "OUT09" : "IN00";
}

}  // namespace ziplora
