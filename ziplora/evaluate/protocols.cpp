#include "ziplora/evaluate/protocols.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "ziplora/base/nearest_name.h"

namespace ziplora {
namespace {

/// Of those pairs of a manifest that are drawn.
struct Extent {
  size_t pairs = 0;
  std::set<size_t> subjects, styles;
  /// Fewest and most of a pair, under prompts of both.
  size_t fewest_images = SIZE_MAX, most_images = 0;
};

size_t images_of(const Manifest& manifest, const Manifest::Pair& pair) {
  size_t prompts = 0;
  for (size_t prompt = 0; prompt < manifest.prompts.size(); ++prompt)
    prompts += manifest.kind_of(prompt) == Manifest::PromptKind::kJoint && manifest.asks(pair, prompt);
  return prompts * manifest.seeds.size();
}

Extent extent_of(const Manifest& manifest) {
  Extent extent;
  for (const Manifest::Pair& pair : manifest.pairs) {
    if (manifest.is_candidate(pair)) continue;
    ++extent.pairs;
    extent.subjects.insert(pair.subject), extent.styles.insert(pair.style);
    const size_t images = images_of(manifest, pair);
    extent.fewest_images = std::min(extent.fewest_images, images);
    extent.most_images = std::max(extent.most_images, images);
  }
  return extent;
}

/// "18 pairs in the paper, 12 here"
void compare(const char* what, size_t asked, size_t found, std::vector<std::string>& differences) {
  if (asked && asked != found)
    differences.push_back(fmt::format("{} {} in the paper, {} here", asked, what, found));
}

}  // namespace

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> table = {
      {"paper", "ZipLoRA, arXiv 2311.13600", 32, 4, 8, 0, 50,
       "DINO to the subject's images, CLIP-I to the style's, CLIP-T to the prompt"},
      {"klora", "K-LoRA, arXiv 2502.18461", 18, 0, 0, 10, 0,
       "DINO and CLIP to the subject's images, CLIP to the style's"},
      {"np", "NP-LoRA, arXiv 2511.11051", 32, 10, 15, 10, 0,
       "DINO and CLIP, each to the subject's and to the style's images, and their harmonic mean"},
      {"lorarar", "LoRA.rar, arXiv 2412.05148", 25, 5, 5, 10, 0,
       "what a vision-language model answers to: is it the subject, and in the style?"},
  };
  return table;
}

const Protocol& find_protocol(const std::string& name, const std::string& where) {
  std::vector<std::string> names;
  for (const Protocol& protocol : protocols()) {
    if (protocol.name == name) return protocol;
    names.emplace_back(protocol.name);
  }
  throw unknown_name(where, name, names);
}

std::vector<uint64_t> Protocol::seeds() const {
  constexpr size_t kUnsaid = 4;
  std::vector<uint64_t> seeds(images ? images : kUnsaid);
  std::iota(seeds.begin(), seeds.end(), uint64_t{0});
  return seeds;
}

std::vector<std::string> differences_from(const Protocol& protocol, const Manifest& manifest, int64_t steps) {
  const Extent extent = extent_of(manifest);
  std::vector<std::string> differences;
  compare("pairs", protocol.pairs, extent.pairs, differences);
  compare("subjects", protocol.subjects, extent.subjects.size(), differences);
  compare("styles", protocol.styles, extent.styles.size(), differences);
  compare("images a pair", protocol.images,
          extent.fewest_images == protocol.images ? extent.most_images : extent.fewest_images, differences);
  compare("steps", static_cast<size_t>(protocol.steps), static_cast<size_t>(steps), differences);
  return differences;
}

}  // namespace ziplora
