#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "mini/regimes/make_regimes.h"
#include "mini/regimes/regime_manifest.h"
#include "mini/regimes/regime_plan.h"
#include "mini/regimes/regime_together.h"
#include "mini/regimes/regime_world.h"
#include "mini/report/claimed_folder.h"
#include "mini/world/made_up_drawings.h"
#include "ziplora/base/error.h"

namespace ziplora::mini {
namespace {

namespace fs = std::filesystem;

TEST(ClaimedFolder, PartsThatBeginAtOnceClaimItTogether) {
  const fs::path place = fs::temp_directory_path() / fmt::format("ziplora-claims-{}", ::getpid());
  std::atomic<int> refused = 0;
  for (int turn = 0; turn < 15; ++turn) {
    std::vector<std::thread> parts;
    for (int part = 0; part < 4; ++part)
      parts.emplace_back([&] {
        try {
          claim_folder(place / std::to_string(turn), {{"seed", 1}}, "regimes");
        } catch (const Error&) {
          ++refused;
        }
      });
    for (std::thread& part : parts) part.join();
  }
  EXPECT_EQ(refused, 0);
  std::ofstream(place / "0" / "lora.safetensors") << "made";
  EXPECT_THROW(claim_folder(place / "0", {{"seed", 2}}, "regimes"), Error);
  fs::remove_all(place);
}

class RegimesTest : public testing::TestWithParam<Purpose> {
 protected:
  static void SetUpTestSuite() {
    cache_ = fs::temp_directory_path() / fmt::format("ziplora-regimes-{}", ::getpid());
    write_packages(Catalogue::read(kAssets), cache_ / "node_modules");
    NullProgress progress;
    const CancelToken never;
    world_ = new World(open_regime_world({kAssets, cache_}, progress, never));
    for (const Purpose half : {Purpose::kDevelopment, Purpose::kReport})
      plans_[half] = plan_regimes(*world_, half);
  }
  static void TearDownTestSuite() {
    delete world_;
    fs::remove_all(cache_);
  }

  const RegimePlan& plan() const { return plans_.at(GetParam()); }
  const Catalogue& catalogue() const { return world_->catalogue(); }
  Purpose purpose(const SceneContent& content) const { return catalogue().subjects[content.subject].purpose; }

  inline static const fs::path kAssets = ZIPLORA_MINI_ASSETS_DIR;
  static fs::path cache_;
  static World* world_;
  static std::map<Purpose, RegimePlan> plans_;
};
fs::path RegimesTest::cache_;
World* RegimesTest::world_ = nullptr;
std::map<Purpose, RegimePlan> RegimesTest::plans_;

TEST_P(RegimesTest, EverySubjectMeetsEveryStyle) {
  const size_t candidates =
      GetParam() == Purpose::kReport ? 4 * 5 : 4 * 6;  // an ink style does not tell hues
  std::map<std::string, size_t> pairs, merged;
  for (const PlannedPair& pair : plan().pairs) {
    if (plan().styles[pair.style].images.empty()) continue;  // a look
    ++pairs[pair.regime];
    merged[pair.regime] += !plan().subjects[pair.subject].images.empty();
  }
  EXPECT_EQ(pairs,
            (std::map<std::string, size_t>{{"A", 120}, {"B", 120}, {"B2", 30}, {"C", 24 + candidates}}));
  EXPECT_EQ(merged, (std::map<std::string, size_t>{{"A", 120}, {"B", 120}, {"B2", 30}, {"C", 24}}));
}

TEST_P(RegimesTest, WhatIsAskedForIsHeldOutAndTurnedWhereItIsSeen) {
  for (const PlannedPair& pair : plan().pairs)
    for (const std::optional<SceneContent>& truth : pair.truths) {
      if (!truth) continue;
      const bool is_look = plan().styles[pair.style].images.empty();
      EXPECT_EQ(catalogue().styles[truth->style].purpose, is_look ? Purpose::kTraining : GetParam());
      const bool is_candidate = plan().subjects[pair.subject].images.empty();
      EXPECT_EQ(purpose(*truth), pair.regime == "C" ? Purpose::kTraining : GetParam());
      EXPECT_EQ(truth->turned, pair.regime == "C" && !is_candidate);
    }
}

/// In the styles of its LoRA's images, and once, however many regimes it is in.
TEST_P(RegimesTest, ASubjectLendsTheLooksThatItLearnsFrom) {
  std::map<size_t, std::vector<int>> looks;
  for (const PlannedPair& pair : plan().pairs)
    if (plan().styles[pair.style].images.empty()) {
      EXPECT_EQ(plan().styles[pair.style].name, catalogue().styles[pair.truths[0]->style].id);
      looks[pair.subject].push_back(pair.truths[0]->style);
    }
  for (size_t subject = 0; subject < plan().subjects.size(); ++subject) {
    std::set<int> learned;
    for (const PlannedImage& image : plan().subjects[subject].images) learned.insert(image.content.style);
    EXPECT_EQ(looks[subject], std::vector<int>(learned.begin(), learned.end()))
        << plan().subjects[subject].name;
  }
}

TEST_P(RegimesTest, NoStyleShowsWhatIsAskedFor) {
  const std::vector<int> turned = turned_subjects(*world_);
  EXPECT_EQ(turned.size(), 2 * 4u);
  for (const PlannedLora& style : plan().styles) {
    if (style.images.empty()) continue;  // a look
    EXPECT_TRUE(style.images.size() == 1 || style.images.size() == kManyImages) << style.name;
    std::set<int> shown;
    for (const PlannedImage& image : style.images) {
      EXPECT_EQ(purpose(image.content), Purpose::kTraining);
      EXPECT_EQ(std::ranges::count(turned, image.content.subject), 0) << image.stem;
      EXPECT_TRUE(image.caption.ends_with(", in szn style")) << image.caption;
      shown.insert(image.content.subject);
    }
    EXPECT_EQ(shown.size(), style.images.size());
  }
}

TEST_P(RegimesTest, ASubjectLearnsFromSeenStylesUnderItsOwnWords) {
  for (const PlannedLora& subject : plan().subjects)
    for (const PlannedImage& image : subject.images) {
      EXPECT_EQ(catalogue().styles[image.content.style].purpose, Purpose::kTraining);
      EXPECT_TRUE(image.caption.starts_with(subject.prompt)) << image.caption;
      EXPECT_EQ(image.content.turned, subject.name.find("turned") != std::string::npos);
    }
}

TEST_P(RegimesTest, OnlyStylesThatKeepTheGroundAreAskedForAtNight) {
  for (const PlannedPair& pair : plan().pairs) {
    ASSERT_EQ(pair.truths.size(), regime_prompts().size());
    ASSERT_TRUE(pair.truths[0]);
    EXPECT_EQ(pair.truths[1].has_value(), catalogue().styles[pair.truths[0]->style].keeps_background);
  }
}

TEST_P(RegimesTest, FilesAreOfOneLoraEach) {
  std::set<std::string> stems;
  for (const std::vector<PlannedLora>* loras : {&plan().subjects, &plan().styles})
    for (const PlannedLora& lora : *loras) EXPECT_TRUE(stems.insert(lora.stem()).second) << lora.stem();
}

TEST_P(RegimesTest, ASecondSeedLearnsFromTheSameImages) {
  size_t twice = 0;
  for (const std::vector<PlannedLora>* loras : {&plan().subjects, &plan().styles})
    for (const PlannedLora& lora : *loras) {
      const size_t suffix = lora.name.find(", seed 2");
      if (suffix == std::string::npos) continue;
      ++twice;
      const auto first = std::ranges::find(*loras, lora.name.substr(0, suffix), &PlannedLora::name);
      ASSERT_NE(first, loras->end()) << lora.name;
      EXPECT_NE(first->settings, lora.settings);
      EXPECT_TRUE(
          std::ranges::equal(first->images, lora.images, {}, &PlannedImage::content, &PlannedImage::content));
    }
  EXPECT_EQ(twice, 5u + 6u);
}

TEST_P(RegimesTest, TrainingsAreThoseOfTheAskedPairs) {
  const auto names = [&](const std::vector<std::string>& regimes, int64_t subjects) {
    std::vector<std::string> names;
    for (const PlannedLora* lora : planned_trainings(plan(), regimes, subjects)) names.push_back(lora->name);
    return names;
  };
  EXPECT_EQ(names({"B"}, -1).size(), 20u + 6u);
  EXPECT_EQ(names({"C"}, -1).size(), 4u + 6u);
  EXPECT_EQ(names({"A"}, 1).size(), 1u + 6u);
  EXPECT_EQ(names({"A", "B", "B2", "C"}, -1).size(), 20u + 4u + 5u + 3 * 6u);
  EXPECT_EQ(names({"B"}, 0).size(), 0u);
}

TEST_P(RegimesTest, OneLoraOfBothLearnsFromTheImagesOfBoth) {
  const std::vector<PlannedLora> loras = trained_together(plan(), {"B"}, 2);
  ASSERT_EQ(loras.size(), 2u * 6u);
  const PlannedPair& pair = plan().pairs.front();
  ASSERT_EQ(pair.regime, "B");
  std::map<std::string, size_t> shown;  // by caption
  std::set<std::string> stems;
  for (const PlannedImage& image : loras.front().images) {
    ++shown[image.caption];
    EXPECT_TRUE(stems.insert(image.stem).second) << image.stem;
  }
  for (const PlannedImage& image : plan().subjects[pair.subject].images)
    EXPECT_EQ(shown[image.caption] % 6, 0u);
  for (const PlannedImage& image : plan().styles[pair.style].images) EXPECT_EQ(shown[image.caption], 1u);
  EXPECT_EQ(stems.size(), plan().subjects[pair.subject].images.size() * 6 + 32);
}

TEST_P(RegimesTest, TheManifestGroupsPairsWhoseLoraOfBothIsThere) {
  const fs::path folder = cache_ / "together";
  fs::create_directories(folder / "loras");
  const PlannedLora both = trained_together(plan(), {"B"}, 1).front();
  std::ofstream(folder / lora_path(both)) << "";
  EXPECT_EQ(manifest_of(plan(), catalogue(), folder).at("pairs").at(0).at("group"), "B");
  const nlohmann::json pairs = manifest_of(plan(), catalogue(), folder, {.together = true}).at("pairs");
  EXPECT_EQ(pairs.at(0).at("group"), "B, together");
  EXPECT_EQ(pairs.at(0).at("files"), nlohmann::json({{kTogether, lora_path(both).string()}}));
  EXPECT_EQ(std::ranges::count_if(pairs, [](const auto& pair) { return pair.contains("files"); }), 1);
}

TEST_P(RegimesTest, TheManifestNamesTheLorasThatAreThere) {
  const fs::path folder = cache_ / "manifest";
  fs::create_directories(folder / "loras");
  const PlannedPair& pair = plan().pairs.front();
  const PlannedLora &subject = plan().subjects[pair.subject], &style = plan().styles[pair.style];
  std::ofstream(folder / lora_path(subject)) << "";
  std::ofstream(folder / lora_path(style)) << "";
  const nlohmann::json manifest = manifest_of(plan(), catalogue(), folder);
  for (const auto& [list, ready] : {std::pair("subjects", subject.name), {"styles", style.name}})
    for (const nlohmann::json& entry : manifest.at(list))
      EXPECT_EQ(entry.contains("lora"), entry.at("name") == ready) << entry;
  for (const nlohmann::json& entry : manifest.at("styles"))
    EXPECT_EQ(entry.contains("own_prompts") ? entry.at("own_prompts").size() : 0,
              entry.contains("lora") ? 8 : 0);
  EXPECT_EQ(manifest.at("pairs").size(), plan().pairs.size());
  EXPECT_EQ(pairs_ready(plan(), folder), 1u);
  fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Halves, RegimesTest, testing::Values(Purpose::kDevelopment, Purpose::kReport),
                         [](const auto& info) {
                           return info.param == Purpose::kReport ? "Report" : "Development";
                         });

TEST_F(RegimesTest, TheHalvesShareNothingThatIsAskedFor) {
  std::map<Purpose, std::set<int>> subjects, styles;
  for (const auto& [half, plan] : plans_)
    for (const PlannedPair& pair : plan.pairs) {
      if (plan.styles[pair.style].images.empty()) continue;  // a look
      subjects[half].insert(pair.truths[0]->subject), styles[half].insert(pair.truths[0]->style);
    }
  for (const auto& asked : {subjects, styles})
    for (const int index : asked.at(Purpose::kReport))
      EXPECT_EQ(asked.at(Purpose::kDevelopment).count(index), 0u) << index;
}

}  // namespace
}  // namespace ziplora::mini
