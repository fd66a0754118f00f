#include "ziplora/evaluate/protocols.h"

#include <gtest/gtest.h>

#include <set>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

using Sentences = std::vector<std::string>;

/// Every subject in every style, by as many seeds as the protocol gives.
Manifest followed(const Protocol& protocol, size_t subjects, size_t styles) {
  Manifest manifest;
  manifest.subjects.resize(subjects, {.name = "s", .lora = "subject.safetensors"});
  manifest.styles.resize(styles, {.name = "s", .lora = "style.safetensors"});
  manifest.prompts = {"{subject}, {style}", "{subject}"};
  manifest.seeds = protocol.seeds();
  for (size_t subject = 0; subject < subjects; ++subject)
    for (size_t style = 0; style < styles; ++style) manifest.pairs.push_back({subject, style, {}});
  return manifest;
}

TEST(Protocols, HaveNamesAndCountsThatAgree) {
  std::set<std::string> names;
  for (const Protocol& protocol : protocols()) {
    EXPECT_TRUE(names.insert(protocol.name).second) << protocol.name;
    EXPECT_EQ(&find_protocol(protocol.name, "test"), &protocol);
    EXPECT_FALSE(protocol.seeds().empty());
    if (protocol.subjects) {
      EXPECT_LE(protocol.pairs, protocol.subjects * protocol.styles) << protocol.name;
    }
    EXPECT_NE(std::string(protocol.source).find("arXiv"), std::string::npos);
  }
  EXPECT_THROW(find_protocol("k-lora", "test"), Error);
}

/// ZipLoRA's 4 × 8 with 50 steps.
TEST(Protocols, NothingDiffersWhereAllIsAsInThePaper) {
  const Protocol& paper = find_protocol("paper", "test");
  EXPECT_EQ(differences_from(paper, followed(paper, 4, 8), 50), Sentences{});
  const Protocol& lorarar = find_protocol("lorarar", "test");
  EXPECT_EQ(differences_from(lorarar, followed(lorarar, 5, 5), 7), Sentences{});
}

TEST(Protocols, EachDifferenceIsSaid) {
  const Protocol& paper = find_protocol("paper", "test");
  EXPECT_EQ(differences_from(paper, followed(paper, 2, 9), 12),
            (Sentences{"32 pairs in the paper, 18 here", "4 subjects in the paper, 2 here",
                       "8 styles in the paper, 9 here", "50 steps in the paper, 12 here"}));
}

/// Candidates are not drawn; images under a LoRA's own prompt are not the pair's.
TEST(Protocols, CountWhatIsDrawnOfAPair) {
  const Protocol& klora = find_protocol("klora", "test");
  Manifest manifest = followed(klora, 3, 6);
  manifest.subjects.push_back({.name = "candidate"});
  manifest.pairs.push_back({3, 0, {"true.png", {}}});
  EXPECT_EQ(differences_from(klora, manifest, 30), Sentences{});
  manifest.prompts.push_back("{subject} at night, {style}");
  EXPECT_EQ(differences_from(klora, manifest, 30), (Sentences{"10 images a pair in the paper, 20 here"}));
  for (size_t i = 0; i + 1 < manifest.pairs.size(); ++i) manifest.pairs[i].truths = {"true.png", {}, {}};
  manifest.pairs[4].truths = {"true.png", {}, "night.png"};
  EXPECT_EQ(differences_from(klora, manifest, 30), (Sentences{"10 images a pair in the paper, 20 here"}));
}

}  // namespace
}  // namespace ziplora
