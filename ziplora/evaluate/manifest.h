#pragma once
/// What is compared: subjects and styles with their LoRAs, the prompts and seeds to draw, and where the true image of a
/// pair is known, that too.
///
///     {"subjects": [{"name": "cat", "lora": "cat.safetensors",
///                    "prompt": "a sks cat face", "images": "cat/"}],
///      "styles": [{"name": "outline", "lora": "outline.safetensors",
///                  "prompt": "in szn style", "images": "outline/"}],
///      "prompts": ["{subject}, {style}", "{subject} at night, {style}", "{subject}"],
///      "seeds": [1, 2, 3, 4],
///      "pairs": [{"subject": "cat", "style": "outline", "group": "known class",
///                 "truths": ["true/cat.png", null, null]}],
///      "methods": [{"method": "direct"}, {"method": "ssr"}]}
///
///     const Manifest manifest = read_manifest("world/manifest.json");
///
/// Paths are relative to the manifest's folder. Without pairs every subject meets every style. A pair is not asked for
/// the joint prompts at which its truths say null. A prompt that names one of the two alone is its LoRA's own: what is drawn
/// there is compared with what that LoRA draws alone. A subject or a style without a LoRA only lends the true images of its
/// pairs, as something that a drawn image may be nearer to.

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ziplora {

struct Manifest {
  struct Concept {
    std::string name;
    /// Empty: the concept is only a candidate.
    std::filesystem::path lora = {};
    /// A subject's: "a sks cat face"; a style's: "in szn style".
    std::string prompt = {};
    /// Image or folder that shows it, to compare with; empty for a candidate.
    std::filesystem::path images = {};
    /// What an encoder of texts reads in place of the prompt, whose invented words it cannot know: "a cat face".
    std::string words = {};
    /// Under which merges that learn preserve it, for instance the captions that it was trained on.
    std::vector<std::string> own_prompts = {};
  };
  struct Pair {
    size_t subject, style;
    /// By prompt; an empty path: not asked for; an empty list: not known.
    std::vector<std::filesystem::path> truths;
    /// Pairs that belong together in the tables.
    std::string group = {};
    /// Ready LoRAs for both, by the name that a contender has for them: another program's merge, say, or one LoRA trained on
    /// the images of both.
    std::map<std::string, std::filesystem::path> files = {};
    /// Its true images are candidates, whether or not it could be merged.
    bool only_lends = false;
  };
  std::vector<Concept> subjects, styles;
  /// With {subject} or {style} in each, with both in at least one.
  std::vector<std::string> prompts;
  std::vector<uint64_t> seeds;
  std::vector<Pair> pairs;
  /// What is compared on the pairs, as read_contenders takes it; null: not said.
  nlohmann::json methods;

  /// What is typed for a pair.
  std::string prompt_of(const Pair& pair, size_t prompt) const;
  /// What its image should show, for an encoder of texts.
  std::string words_of(const Pair& pair, size_t prompt) const;
  /// Whether there are LoRAs to merge, or only true images.
  bool is_candidate(const Pair& pair) const;
  bool asks(const Pair& pair, size_t prompt) const;
  enum class PromptKind { kJoint, kSubjectsOwn, kStylesOwn };
  PromptKind kind_of(size_t prompt) const;
  /// What users type for both: the first joint prompt.
  size_t joint_prompt() const;
};

/// @param seeds  for a manifest without its own; empty: it must have them
/// @throws Error(kInput) that names the place: what is missing, unknown, given twice, or leads to no file
Manifest read_manifest(const std::filesystem::path& path, const std::vector<uint64_t>& seeds = {});

}  // namespace ziplora
