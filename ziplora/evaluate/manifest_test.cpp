#include "ziplora/evaluate/manifest.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class AManifest : public testing::Test {
 protected:
  AManifest() {
    for (const char* name : {"cat.safetensors", "dog.safetensors", "ink.safetensors", "a.png", "b.png"})
      std::ofstream(folder_ / name) << "x";
  }
  ~AManifest() override { fs::remove_all(folder_); }

  Manifest read(const json& content) const {
    std::ofstream(folder_ / "manifest.json") << content.dump();
    return read_manifest(folder_ / "manifest.json");
  }
  /// Where it is refused, and why.
  std::string refusal(const json& content) const {
    try {
      read(content);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      EXPECT_NE(error.hint(), "");
      return error.where().substr(error.where().find("manifest.json")) + " | " + error.problem();
    }
    return "not refused";
  }

  const fs::path folder_ = new_temporary_folder("ziplora-manifest");
  const json sound_ = json::parse(R"({
      "subjects": [{"name": "cat", "lora": "cat.safetensors", "prompt": "a sks cat", "images": "a.png"},
                   {"name": "dog", "lora": "dog.safetensors", "prompt": "a sks dog", "images": "b.png"}],
      "styles": [{"name": "ink", "lora": "ink.safetensors", "prompt": "in szn style", "images": "b.png"}],
      "prompts": ["{subject}, {style}", "{subject} and a {subject}, {style}"],
      "seeds": [1, 18446744073709551615]})");
};

TEST_F(AManifest, PairsEverySubjectWithEveryStyle) {
  const Manifest manifest = read(sound_);
  ASSERT_EQ(manifest.pairs.size(), 2U);
  EXPECT_EQ(manifest.pairs[1].subject, 1U);
  EXPECT_EQ(manifest.pairs[1].style, 0U);
  EXPECT_TRUE(manifest.pairs[1].truths.empty());
  EXPECT_EQ(manifest.subjects[1].lora, folder_ / "dog.safetensors");
  EXPECT_EQ(manifest.seeds, (std::vector<uint64_t>{1, 18446744073709551615U}));
  EXPECT_EQ(manifest.prompt_of(manifest.pairs[0], 0), "a sks cat, in szn style");
  EXPECT_EQ(manifest.prompt_of(manifest.pairs[1], 1), "a sks dog and a a sks dog, in szn style");
}

TEST_F(AManifest, TakesThePairsThatItNames) {
  json content = sound_;
  content["pairs"] = {{{"subject", "dog"}, {"style", "ink"}, {"truths", {"a.png", "b.png"}}}};
  const Manifest manifest = read(content);
  ASSERT_EQ(manifest.pairs.size(), 1U);
  EXPECT_EQ(manifest.pairs[0].subject, 1U);
  EXPECT_EQ(manifest.pairs[0].truths, (std::vector<fs::path>{folder_ / "a.png", folder_ / "b.png"}));
}

/// A subject without a LoRA only lends its true image, and nothing is asked where a truth is null.
TEST_F(AManifest, HasCandidatesAndPromptsThatAreNotAsked) {
  json content = sound_;
  content["subjects"][1] = {{"name", "dog"}};
  content["subjects"][0]["words"] = "a cat";
  content["styles"][0]["own_prompts"] = {"a rose, in szn style"};
  content["pairs"] = {{{"subject", "cat"}, {"style", "ink"}, {"truths", {"a.png", nullptr}}, {"group", "A"}},
                      {{"subject", "dog"}, {"style", "ink"}, {"truths", {nullptr, "b.png"}}}};
  content["methods"] = {{{"method", "direct"}}};
  const Manifest manifest = read(content);
  EXPECT_FALSE(manifest.is_candidate(manifest.pairs[0]));
  EXPECT_TRUE(manifest.is_candidate(manifest.pairs[1]));
  EXPECT_TRUE(manifest.asks(manifest.pairs[0], 0));
  EXPECT_FALSE(manifest.asks(manifest.pairs[0], 1));
  EXPECT_EQ(manifest.pairs[0].group, "A");
  EXPECT_EQ(manifest.methods, content["methods"]);
  EXPECT_EQ(manifest.words_of(manifest.pairs[0], 0), "a cat, in szn style");
  EXPECT_EQ(manifest.subjects[0].own_prompts, (std::vector<std::string>{"a sks cat"}));
  EXPECT_EQ(manifest.styles[0].own_prompts, (std::vector<std::string>{"a rose, in szn style"}));
}

TEST_F(AManifest, NeedsAPairThatCanBeMerged) {
  json content = sound_;
  content["subjects"][0] = {{"name", "cat"}};
  content["subjects"][1] = {{"name", "dog"}};
  EXPECT_EQ(refusal(content), "manifest.json | no pair has a LoRA of its subject and one of its style");
  content = sound_;
  content["subjects"][1] = {{"name", "dog"}};
  content["pairs"] = {{{"subject", "cat"}, {"style", "ink"}}, {{"subject", "dog"}, {"style", "ink"}}};
  EXPECT_EQ(refusal(content), "manifest.json: pairs[1] | neither LoRAs nor true images are given");
  content = sound_;
  content["subjects"][0].erase("images");
  EXPECT_EQ(refusal(content), "manifest.json: subjects[0] | 'images' is missing");
  content = sound_;
  content["pairs"] = {{{"subject", "cat"}, {"style", "ink"}, {"truths", {nullptr, nullptr}}}};
  EXPECT_EQ(refusal(content), "manifest.json: pairs[0].truths | the pair is asked for no prompt");
}

TEST_F(AManifest, IsRefusedByThePlaceThatIsWrong) {
  const auto with = [&](const char* place, const json& value) {
    json content = sound_;
    content[json::json_pointer(place)] = value;
    return refusal(content);
  };
  EXPECT_EQ(refusal(json::array()), "manifest.json | found array, expected an object");
  EXPECT_EQ(with("/styles", json::array()), "manifest.json: styles | expected a list of at least one entry");
  EXPECT_EQ(with("/subjects/0/prompt", ""),
            "manifest.json: subjects[0].prompt | found \"\", expected a text");
  EXPECT_EQ(with("/subjects/1/name", "cat"), "manifest.json: subjects[1].name | 'cat' is given twice");
  EXPECT_NE(with("/subjects/0/lora", "c.safetensors").find("c.safetensors does not exist"),
            std::string::npos);
  EXPECT_EQ(with("/prompts/0", "{subject}"), "manifest.json: prompts[0] | \"{subject}\" has no {style}");
  EXPECT_EQ(with("/seeds/1", 1), "manifest.json: seeds | 1 is given twice");
  EXPECT_EQ(with("/seeds/1", -1), "manifest.json: seeds | -1 is not a seed");
  EXPECT_NE(with("/sedes", 1).find("sedes"), std::string::npos);
  EXPECT_NE(with("/pairs", {{{"subject", "cta"}, {"style", "ink"}}}).find("cta"), std::string::npos);
  EXPECT_EQ(with("/pairs", {{{"subject", "cat"}, {"style", "ink"}}, {{"subject", "cat"}, {"style", "ink"}}}),
            "manifest.json: pairs[1] | the pair is given twice");
  EXPECT_EQ(with("/pairs", {{{"subject", "cat"}, {"style", "ink"}, {"truths", {"a.png"}}}}),
            "manifest.json: pairs[0].truths | expected a list of 2 images, one for each prompt");
  json content = sound_;
  content.erase("seeds");
  EXPECT_EQ(refusal(content), "manifest.json | 'seeds' is missing");
}

}  // namespace
}  // namespace ziplora
