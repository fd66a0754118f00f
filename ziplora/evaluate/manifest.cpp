#include "ziplora/evaluate/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kExample =
    R"(for example {"name": "cat", "lora": "cat.safetensors", "prompt": "a sks cat face", "images": "cat/"})";
constexpr const char *kSubjectWord = "{subject}", *kStyleWord = "{style}";
constexpr const char* kPrompt = R"(for example "{subject}, {style}")";

bool names(const std::string& prompt, const char* word) { return prompt.find(word) != std::string::npos; }

bool is_joint(const std::string& prompt) { return names(prompt, kSubjectWord) && names(prompt, kStyleWord); }

class ManifestReader {
 public:
  ManifestReader(const fs::path& path, const std::vector<uint64_t>& usual_seeds)
      : path_(path), folder_(path.parent_path()), usual_seeds_(usual_seeds) {}

  Manifest read() {
    const json root = read_json_file(path_);
    require_keys(root, "", {"subjects", "styles", "prompts"}, {"seeds", "pairs", "methods"});
    Manifest manifest;
    manifest.subjects = concepts(root, "subjects");
    manifest.styles = concepts(root, "styles");
    manifest.prompts = prompts(root);
    manifest.seeds = seeds(root);
    manifest.pairs = root.contains("pairs") ? pairs(root, manifest) : every_pair(manifest);
    manifest.methods = root.value("methods", json());
    const auto is_candidate = [&](const Manifest::Pair& pair) { return manifest.is_candidate(pair); };
    if (std::ranges::all_of(manifest.pairs, is_candidate))
      refuse("", "no pair has a LoRA of its subject and one of its style", "give each a \"lora\"");
    return manifest;
  }

 private:
  [[noreturn]] void refuse(const std::string& place, const std::string& problem,
                           const std::string& hint = kExample) const {
    throw Error(ErrorKind::kInput, path_.string() + (place.empty() ? "" : ": " + place), problem, hint);
  }

  void require_keys(const json& object, const std::string& place, const std::vector<std::string>& needed,
                    const std::vector<std::string>& optional) const {
    if (!object.is_object()) refuse(place, fmt::format("found {}, expected an object", object.type_name()));
    std::vector<std::string> known = needed;
    known.insert(known.end(), optional.begin(), optional.end());
    for (const auto& [key, value] : object.items())
      if (std::ranges::find(known, key) == known.end()) {
        const Error unknown = unknown_name(place, key, known);
        refuse(place, unknown.problem(), unknown.hint());
      }
    for (const std::string& key : needed)
      if (!object.contains(key)) refuse(place, fmt::format("'{}' is missing", key));
  }

  const json& list(const json& object, const std::string& key) const {
    const json& found = object.at(key);
    if (!found.is_array() || found.empty()) refuse(key, "expected a list of at least one entry");
    return found;
  }

  std::string text(const json& value, const std::string& place) const {
    if (!value.is_string() || value.get_ref<const std::string&>().empty())
      refuse(place, fmt::format("found {}, expected a text", json_line(value)));
    return value;
  }

  fs::path file(const json& value, const std::string& place) const {
    const fs::path found = folder_ / text(value, place);
    if (!fs::exists(found))
      refuse(place, found.string() + " does not exist", "paths are relative to the manifest's folder");
    return found;
  }

  std::vector<Manifest::Concept> concepts(const json& root, const std::string& key) const {
    std::vector<Manifest::Concept> found;
    std::set<std::string> names;
    const json& entries = list(root, key);
    for (size_t i = 0; i < entries.size(); ++i) {
      const json& entry = entries[i];
      const std::string place = fmt::format("{}[{}]", key, i);
      require_keys(entry, place, {"name"}, {"lora", "prompt", "images", "words", "own_prompts"});
      const bool is_candidate = !entry.contains("lora");
      if (!is_candidate)
        require_keys(entry, place, {"name", "lora", "prompt", "images"}, {"words", "own_prompts"});
      found.push_back({.name = text(entry["name"], place + ".name")});
      if (!is_candidate) {
        found.back().lora = file(entry["lora"], place + ".lora");
        found.back().images = file(entry["images"], place + ".images");
      }
      if (entry.contains("prompt")) found.back().prompt = text(entry["prompt"], place + ".prompt");
      if (entry.contains("words")) found.back().words = text(entry["words"], place + ".words");
      if (entry.contains("own_prompts"))
        for (const json& prompt : list(entry, "own_prompts"))
          found.back().own_prompts.push_back(text(prompt, place + ".own_prompts"));
      else
        found.back().own_prompts = {found.back().prompt};
      if (!names.insert(found.back().name).second)
        refuse(place + ".name", fmt::format("'{}' is given twice", found.back().name),
               "give each a name of its own");
    }
    return found;
  }

  std::vector<std::string> prompts(const json& root) const {
    std::vector<std::string> found;
    const json& entries = list(root, "prompts");
    for (size_t i = 0; i < entries.size(); ++i) {
      const std::string place = fmt::format("prompts[{}]", i);
      found.push_back(text(entries[i], place));
      if (!names(found.back(), kSubjectWord) && !names(found.back(), kStyleWord))
        refuse(place, fmt::format("\"{}\" has neither {} nor {}", found.back(), kSubjectWord, kStyleWord),
               kPrompt);
    }
    if (std::ranges::none_of(found, is_joint))
      refuse("prompts", "none has both {subject} and {style}", kPrompt);
    return found;
  }

  std::vector<uint64_t> seeds(const json& root) const {
    if (!root.contains("seeds") && usual_seeds_.empty())
      refuse("", "'seeds' is missing",
             "for example [1, 2, 3, 4]; or follow a paper's protocol, which has them");
    if (!root.contains("seeds")) return usual_seeds_;
    std::vector<uint64_t> found;
    for (const json& seed : list(root, "seeds")) {
      if (!seed.is_number_unsigned())
        refuse("seeds", fmt::format("{} is not a seed", json_line(seed)), "for example [1, 2, 3, 4]");
      if (std::ranges::find(found, seed.get<uint64_t>()) != found.end())
        refuse("seeds", fmt::format("{} is given twice", json_line(seed)),
               "the same image would count twice");
      found.push_back(seed);
    }
    return found;
  }

  size_t index_of(const std::vector<Manifest::Concept>& concepts, const json& name,
                  const std::string& place) const {
    std::vector<std::string> names;
    for (const Manifest::Concept& entry : concepts) {
      if (name == entry.name) return names.size();
      names.push_back(entry.name);
    }
    const Error unknown = unknown_name(place, text(name, place), names);
    refuse(place, unknown.problem(), unknown.hint());
  }

  std::vector<Manifest::Pair> pairs(const json& root, const Manifest& manifest) const {
    std::vector<Manifest::Pair> found;
    std::set<std::pair<size_t, size_t>> seen;
    const json& entries = list(root, "pairs");
    for (size_t i = 0; i < entries.size(); ++i) {
      const json& entry = entries[i];
      const std::string place = fmt::format("pairs[{}]", i);
      require_keys(entry, place, {"subject", "style"}, {"truths", "group", "files"});
      Manifest::Pair pair{index_of(manifest.subjects, entry["subject"], place + ".subject"),
                          index_of(manifest.styles, entry["style"], place + ".style"),
                          {}};
      if (entry.contains("group")) pair.group = text(entry["group"], place + ".group");
      if (entry.contains("files")) pair.files = files(entry["files"], place + ".files");
      if (!seen.insert({pair.subject, pair.style}).second)
        refuse(place, "the pair is given twice", "its images would count twice");
      if (entry.contains("truths"))
        pair.truths = truths(entry["truths"], place + ".truths", manifest.prompts.size());
      else if (manifest.is_candidate(pair))
        refuse(place, "neither LoRAs nor true images are given", "give it \"truths\", or leave it out");
      found.push_back(std::move(pair));
    }
    return found;
  }

  std::map<std::string, fs::path> files(const json& entries, const std::string& place) const {
    if (!entries.is_object())
      refuse(place, fmt::format("found {}, expected an object", entries.type_name()),
             R"(for example {"joint": "joint/cat-ink.safetensors"})");
    std::map<std::string, fs::path> found;
    for (const auto& [name, path] : entries.items()) found[name] = file(path, place + "." + name);
    return found;
  }

  std::vector<fs::path> truths(const json& entries, const std::string& place, size_t prompts) const {
    if (!entries.is_array() || entries.size() != prompts)
      refuse(place, fmt::format("expected a list of {} images, one for each prompt", prompts));
    std::vector<fs::path> found;
    for (const json& entry : entries) found.push_back(entry.is_null() ? fs::path() : file(entry, place));
    if (std::ranges::all_of(found, &fs::path::empty))
      refuse(place, "the pair is asked for no prompt", "leave the pair out");
    return found;
  }

  static std::vector<Manifest::Pair> every_pair(const Manifest& manifest) {
    std::vector<Manifest::Pair> pairs;
    for (size_t subject = 0; subject < manifest.subjects.size(); ++subject)
      for (size_t style = 0; style < manifest.styles.size(); ++style) pairs.push_back({subject, style, {}});
    return pairs;
  }

  const fs::path path_, folder_;
  const std::vector<uint64_t> usual_seeds_;
};

void replace_all(std::string& text, const std::string& word, const std::string& by) {
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size())
    text.replace(at, word.size(), by);
}

std::string filled(std::string text, const std::string& subject, const std::string& style) {
  replace_all(text, kSubjectWord, subject);
  replace_all(text, kStyleWord, style);
  return text;
}

const std::string& words_of_concept(const Manifest::Concept& entry) {
  return entry.words.empty() ? entry.prompt : entry.words;
}

}  // namespace

std::string Manifest::prompt_of(const Pair& pair, size_t prompt) const {
  return filled(prompts.at(prompt), subjects.at(pair.subject).prompt, styles.at(pair.style).prompt);
}

std::string Manifest::words_of(const Pair& pair, size_t prompt) const {
  return filled(prompts.at(prompt), words_of_concept(subjects.at(pair.subject)),
                words_of_concept(styles.at(pair.style)));
}

bool Manifest::is_candidate(const Pair& pair) const {
  return pair.only_lends || subjects.at(pair.subject).lora.empty() || styles.at(pair.style).lora.empty();
}

bool Manifest::asks(const Pair& pair, size_t prompt) const {
  return pair.truths.empty() || !pair.truths.at(prompt).empty() || kind_of(prompt) != PromptKind::kJoint;
}

Manifest::PromptKind Manifest::kind_of(size_t prompt) const {
  if (is_joint(prompts.at(prompt))) return PromptKind::kJoint;
  return names(prompts.at(prompt), kSubjectWord) ? PromptKind::kSubjectsOwn : PromptKind::kStylesOwn;
}

size_t Manifest::joint_prompt() const {
  return static_cast<size_t>(std::ranges::find_if(prompts, is_joint) - prompts.begin());
}

Manifest read_manifest(const fs::path& path, const std::vector<uint64_t>& seeds) {
  return ManifestReader(path, seeds).read();
}

}  // namespace ziplora
