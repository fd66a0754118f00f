#pragma once
/// What is compared: subjects and styles with their LoRAs, the prompts and seeds to draw, and where the true image of a
/// pair is known, that too.
///
///     {"subjects": [{"name": "cat", "lora": "cat.safetensors",
///                    "prompt": "a sks cat face", "images": "cat/"}],
///      "styles": [{"name": "outline", "lora": "outline.safetensors",
///                  "prompt": "in szn style", "images": "outline/"}],
///      "prompts": ["{subject}, {style}", "{subject} next to a mushroom, {style}"],
///      "seeds": [1, 2, 3, 4],
///      "pairs": [{"subject": "cat", "style": "outline",
///                 "truths": ["true/cat.png", "true/cat-mushroom.png"]}]}
///
///     const Manifest manifest = read_manifest("world/manifest.json");
///
/// Paths are relative to the manifest's folder. Without pairs every subject meets every style.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ziplora {

struct Manifest {
  struct Concept {
    std::string name;
    std::filesystem::path lora;
    /// A subject's: "a sks cat face"; a style's: "in szn style".
    std::string prompt;
    /// Image or folder that shows it, to compare with.
    std::filesystem::path images;
  };
  struct Pair {
    size_t subject, style;
    /// By prompt; empty: not known.
    std::vector<std::filesystem::path> truths;
  };
  std::vector<Concept> subjects, styles;
  /// With {subject} and {style} in each.
  std::vector<std::string> prompts;
  std::vector<uint64_t> seeds;
  std::vector<Pair> pairs;

  /// What is typed for a pair.
  std::string prompt_of(const Pair& pair, size_t prompt) const;
};

/// @throws Error(kInput) that names the place: what is missing, unknown, given twice, or leads to no file
Manifest read_manifest(const std::filesystem::path& path);

}  // namespace ziplora
