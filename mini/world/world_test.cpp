#include "mini/world/world.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "mini/world/captions.h"
#include "mini/world/filters.h"
#include "mini/world/made_up_drawings.h"
#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

const std::filesystem::path kAssets = ZIPLORA_MINI_ASSETS_DIR;

class WorldTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cache_ = std::filesystem::temp_directory_path() / fmt::format("ziplora-world-{}", ::getpid());
    prepare_made_up_world(kAssets, cache_);
    world_ = new World(kAssets, cache_, 32);
  }
  static void TearDownTestSuite() {
    delete world_;
    std::filesystem::remove_all(cache_);
  }

  static bool held_out(const SceneContent& content) {
    const Catalogue& all = world_->catalogue();
    auto subject_held_out = [&](int subject) {
      return subject >= 0 && (all.subjects[subject].purpose != Purpose::kTraining ||
                              all.held_out_pairs.count({subject, content.style}));
    };
    return all.styles[content.style].purpose != Purpose::kTraining || subject_held_out(content.subject) ||
           subject_held_out(content.second_subject);
  }

  static inline std::filesystem::path cache_;
  static inline World* world_ = nullptr;
};

TEST_F(WorldTest, TheListsAreAsDesigned) {
  const Catalogue& all = world_->catalogue();
  EXPECT_GE(all.subjects.size(), 350u);
  EXPECT_LE(all.subjects.size(), 420u);
  auto count = [&](Purpose purpose) {
    return std::count_if(all.subjects.begin(), all.subjects.end(),
                         [&](const Subject& s) { return s.purpose == purpose; });
  };
  EXPECT_EQ(count(Purpose::kDevelopment), 20);
  EXPECT_EQ(count(Purpose::kReport), 20);
  std::set<std::string> identifiers;
  for (const Subject& subject : all.subjects) {
    EXPECT_TRUE(identifiers.insert(subject.id).second) << subject.id;
    EXPECT_GE(std::count_if(subject.icons.begin(), subject.icons.end(),
                            [](const std::string& i) { return !i.empty(); }),
              8)
        << subject.id;
  }
  EXPECT_NE(all.styles[all.style("fluent-emoji")].purpose, Purpose::kTraining);
  EXPECT_NE(all.styles[all.style("fluent-emoji-high-contrast")].purpose, Purpose::kTraining);
  EXPECT_TRUE(all.backgrounds.front().phrases.empty());
  double part = static_cast<double>(all.held_out_pairs.size()) /
                static_cast<double>(all.held_out_pairs.size() + world_->pairs(Split::kTrain).size());
  EXPECT_NEAR(part, 0.05, 0.015);
}

TEST_F(WorldTest, NothingHeldOutIsSampled) {
  std::set<std::pair<int, int>> shown;
  for (uint64_t i = 0; i < 100000; ++i) {
    Scene scene = world_->describe(i, Split::kTrain);
    ASSERT_FALSE(held_out(scene.content)) << i << ": " << scene.caption;
    shown.emplace(scene.content.subject, scene.content.style);
    if (i < 20000) {
      ASSERT_FALSE(held_out(world_->describe(i, Split::kValidation).content)) << i;
    }
  }
  // … and all the rest is.
  std::vector<std::pair<int, int>> pairs = world_->pairs(Split::kTrain);
  std::set<std::pair<int, int>> expected(pairs.begin(), pairs.end());
  EXPECT_EQ(shown, expected);
}

TEST_F(WorldTest, HeldOutPairsAreWhatTheirSplitShows) {
  for (uint64_t i = 0; i < 2000; ++i) {
    SceneContent content = world_->describe(i, Split::kHeldOutPairs).content;
    ASSERT_TRUE(world_->catalogue().held_out_pairs.count({content.subject, content.style})) << i;
  }
}

/// A judge who is asked about a pair must have seen it; held-out subjects and styles stay unknown to it too.
TEST_F(WorldTest, AJudgeSeesTheHeldOutPairsBesideWhatTrainingShows) {
  std::set<std::pair<int, int>> shown, expected;
  for (uint64_t i = 0; i < 150000; ++i) {
    const SceneContent content = world_->describe(i, Split::kJudge).content;
    shown.emplace(content.subject, content.style);
    if (content.second_subject >= 0) shown.emplace(content.second_subject, content.style);
  }
  for (Split split : {Split::kTrain, Split::kHeldOutPairs})
    for (const auto& pair : world_->pairs(split)) expected.insert(pair);
  EXPECT_EQ(shown, expected);
  const std::vector<std::pair<int, int>> pairs = world_->pairs(Split::kJudge);
  EXPECT_EQ(std::set(pairs.begin(), pairs.end()), expected);
}

TEST_F(WorldTest, AHeldOutDrawingNeedsItsOwnName) {
  const Catalogue& all = world_->catalogue();
  int chick = all.subject("baby-chick"), noto = all.style("noto"), fox = all.subject("fox");
  EXPECT_THROW(world_->drawing(chick, noto), Error);
  EXPECT_THROW(world_->drawing(fox, all.style("fluent-emoji")), Error);
  auto [subject, style] = *all.held_out_pairs.begin();
  EXPECT_THROW(world_->drawing(subject, style), Error);
  EXPECT_EQ(world_->evaluation_drawing(chick, noto).sizes(), at::IntArrayRef({3, 32, 32}));
  EXPECT_TRUE(at::equal(world_->drawing(fox, noto), world_->evaluation_drawing(fox, noto)));
}

/// So that an object alone is learned by heart, and places are still not all that the base knows.
TEST_F(WorldTest, AnObjectAloneStandsNearlyAlwaysWhereItsDrawingDoes) {
  int alone = 0, plain = 0, two_right = 0, two = 0;
  for (uint64_t i = 0; i < 3000; ++i) {
    const SceneContent content = world_->describe(i, Split::kTrain).content;
    if (content.background != 0 || content.palette >= 0 ||
        !world_->catalogue().styles[content.style].filter.empty())
      continue;
    const at::Tensor image = world_->sample(i, Split::kTrain).image;
    if (content.count == 1 && content.second_subject < 0) {
      ++alone;
      plain += at::equal(image, world_->drawing(content.subject, content.style));
    } else if (content.second_subject >= 0) {  // the first is larger
      ++two;
      const at::Tensor drawn = (1 - image).abs().sum(0).gt(0.01);
      const int64_t left = drawn.narrow(1, 0, 16).sum().item<int64_t>();
      two_right += left < drawn.sum().item<int64_t>() - left;
    }
  }
  EXPECT_NEAR(static_cast<double>(plain) / alone, 0.9, 0.03) << alone;
  EXPECT_NEAR(static_cast<double>(two_right) / two, 0.05, 0.05) << two;
}

TEST_F(WorldTest, AScenesIndexDeterminesIt) {
  World other(kAssets, cache_, 32);
  SceneBatch batch = other.sample_batch(5, 20, Split::kTrain);
  for (int64_t i = 0; i < 20; ++i) {
    Scene scene = world_->sample(static_cast<uint64_t>(5 + i), Split::kTrain);
    EXPECT_TRUE(at::equal(scene.image, batch.images[i]));
    EXPECT_EQ(scene.caption, batch.captions[i]);
    EXPECT_EQ(scene.content, batch.contents[i]);
    EXPECT_EQ(world_->describe(static_cast<uint64_t>(5 + i), Split::kTrain).caption, scene.caption);
    EXPECT_GE(scene.image.min().item<float>(), 0.0f);
    EXPECT_LE(scene.image.max().item<float>(), 1.0f);
  }
  EXPECT_FALSE(at::equal(world_->sample(5, Split::kValidation).image, batch.images[0]));
}

TEST_F(WorldTest, CaptionsVaryAndAreMadeOfTheVocabulary) {
  std::vector<std::string> words = world_->vocabulary();
  std::set<std::string> captions;
  int unprinted = 0, without_style = 0, with_category = 0;
  constexpr int kScenes = 20000;
  for (uint64_t i = 0; i < kScenes; ++i) {
    Scene scene = world_->describe(i, Split::kTrain);
    captions.insert(scene.caption);
    unprinted += scene.content.palette < 0;
    without_style += scene.caption.find(" style") == std::string::npos;
    with_category += scene.caption.find(" animal") != std::string::npos;
    for (size_t start = 0; start < scene.caption.size();) {
      size_t end = std::min(scene.caption.find(' ', start), scene.caption.size());
      std::string word = scene.caption.substr(start, end - start);
      if (word.ends_with(',')) word.pop_back();
      ASSERT_TRUE(std::binary_search(words.begin(), words.end(), word)) << scene.caption << ": " << word;
      ASSERT_EQ(std::count(rare_words().begin(), rare_words().end(), word), 0) << scene.caption;
      start = end + 1;
    }
  }
  EXPECT_GT(captions.size(), kScenes * 3 / 4);
  EXPECT_NEAR(without_style / static_cast<double>(unprinted), 0.08, 0.01);
  EXPECT_GT(with_category, 200);
  for (const std::string& rare : rare_words())
    EXPECT_TRUE(std::binary_search(words.begin(), words.end(), rare)) << rare;
}

TEST_F(WorldTest, CaptionsSayWhatTheRequestAsks) {
  const Catalogue& all = world_->catalogue();
  SceneContent content{.subject = all.subject("fox"),
                       .style = all.style("twemoji"),
                       .background = all.background("night"),
                       .second_subject = all.subject("tree")};
  EXPECT_EQ(world_->caption(content), "a fox next to a tree at night, in twemoji style");
  EXPECT_EQ(world_->caption(content, "a sks animal", "szn style"),
            "a sks animal next to a tree at night, in szn style");
  SceneContent two{.subject = all.subject("wolf"), .style = -1, .count = 2};
  EXPECT_EQ(world_->caption(two), "two wolves");
}

/// Training's scenes alone are printed in palettes: what is evaluated does not change with them.
TEST_F(WorldTest, AThirdOfTheTrainingScenesArePrintedInTheColoursThatTheirCaptionsSay) {
  const Catalogue& all = world_->catalogue();
  int printed = 0, can_be = 0;
  for (uint64_t i = 0; i < 4000; ++i) {
    for (Split split : {Split::kValidation, Split::kHeldOutPairs, Split::kJudge})
      ASSERT_LT(world_->describe(i, split).content.palette, 0);
    const Scene scene = world_->describe(i, Split::kTrain);
    can_be += all.styles[scene.content.style].keeps_background;
    if (scene.content.palette < 0) continue;
    ++printed;
    ASSERT_NE(scene.caption.find(all.palettes[scene.content.palette].words + " "), std::string::npos)
        << scene.caption;
  }
  EXPECT_NEAR(static_cast<double>(printed) / can_be, 0.35, 0.03);

  uint64_t index = 0;
  SceneContent content;
  do {
    content = world_->describe(++index, Split::kTrain).content;
  } while (content.palette < 0 || content.background != 0);
  const Palette& palette = all.palettes[content.palette];
  const at::Tensor image = world_->sample(index, Split::kTrain).image;
  for (int channel = 0; channel < 3; ++channel)
    EXPECT_NEAR(image[channel][0][0].item<float>(), palette.tones.back()[channel], 1e-5) << palette.words;
}

/// Duotone is learned by a LoRA from one image; a base that had seen its colours would make that no test.
TEST_F(WorldTest, NoPaletteIsNearTheHeldOutPrint) {
  constexpr int kSide = 16;
  const auto ramp = [](auto&& apply) {
    std::vector<float> rgb(3 * kSide * kSide);
    Canvas canvas(kSide, rgb.data());
    for (size_t i = 0; i < rgb.size(); ++i)
      rgb[i] = static_cast<float>(i % (kSide * kSide)) / (kSide * kSide - 1);
    apply(canvas);
    return rgb;
  };
  const std::vector<float> print = ramp(filter("duotone").apply);
  ASSERT_GT(world_->catalogue().palettes.size(), 300u);
  for (const Palette& palette : world_->catalogue().palettes) {
    const std::vector<float> tones = ramp([&](Canvas& canvas) { map_tones(canvas, palette.tones); });
    double difference = 0;
    for (size_t i = 0; i < tones.size(); ++i)
      difference += std::abs(tones[i] - print[i]) / static_cast<double>(tones.size());
    EXPECT_GT(difference, 0.12) << palette.words;
  }
}

TEST_F(WorldTest, BackgroundAndSubjectShowInTheImage) {
  const Catalogue& all = world_->catalogue();
  SceneContent content{
      .subject = all.subject("fox"), .style = all.style("noto"), .background = all.background("red")};
  at::Tensor image = world_->evaluation_scene(content, 1);
  EXPECT_GT(image[0][0][0].item<float>(), image[2][0][0].item<float>() + 0.4f);  // red in the corner
  EXPECT_FALSE(at::equal(image, world_->evaluation_scene(content, 2)));
  EXPECT_TRUE(at::equal(image, world_->evaluation_scene(content, 1)));
  at::Tensor plain = world_->drawing(content.subject, content.style);
  EXPECT_FLOAT_EQ(plain.select(1, 0).min().item<float>(), 1.0f);  // white above the drawing
  EXPECT_LT(plain.min().item<float>(), 0.95f);                    // and the disc in it
}

TEST_F(WorldTest, ATrueSceneIsTheDrawingOnItsGround) {
  const Catalogue& all = world_->catalogue();
  SceneContent content{.subject = all.subject("fox"), .style = all.style("noto")};
  const at::Tensor on_white = world_->true_scene(content);
  EXPECT_TRUE(at::equal(on_white, world_->drawing(content.subject, content.style)));
  content.turned = true;
  const at::Tensor turned = world_->true_scene(content);
  EXPECT_FALSE(at::equal(turned, on_white));
  EXPECT_TRUE(at::allclose(turned.amax(0), on_white.amax(0), 0, 2e-2)) << "turning keeps the largest channel";
  content.background = all.background("night");
  const at::Tensor at_night = world_->true_scene(content);
  EXPECT_LT(at_night[0][0][0].item<float>(), 0.4f);
  EXPECT_TRUE(at::allclose(at_night.select(1, 16).select(1, 16), turned.select(1, 16).select(1, 16)))
      << "the drawing stands where it stands on white";
}

TEST_F(WorldTest, OnlyNewHeldOutStylesCanBeAdded) {
  const std::filesystem::path file = cache_ / "styles.json";
  const auto add = [&](const char* id, const char* role) {
    std::ofstream(file) << nlohmann::json{
        {"styles",
         {{{"id", id}, {"package", "noto"}, {"filter", "sticker"}, {"role", role}, {"phrases", {"words"}}}}}};
    Catalogue catalogue = Catalogue::read(kAssets);
    catalogue.add_held_out_styles(file);
    return catalogue;
  };
  const Catalogue more = add("new", "report");
  EXPECT_EQ(more.styles.size(), world_->catalogue().styles.size() + 1);
  EXPECT_EQ(more.style("noto"), world_->catalogue().style("noto")) << "labels stay";
  EXPECT_EQ(more.styles.back().purpose, Purpose::kReport);
  EXPECT_THROW(add("neon", "report"), Error);
  EXPECT_THROW(add("new", "seen"), Error);
  EXPECT_THROW(add("new", "unheard of"), Error);
}

TEST_F(WorldTest, ErrorsNameTheWayOut) {
  NullProgress progress;
  const CancelToken never;
  try {
    World world(kAssets, cache_ / "nothing", 32);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.hint().find("ziplora-mini world'"), std::string::npos) << error.hint();
  }
  try {
    world_->catalogue().subject("fos");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.hint(), "did you mean 'fox'?");
  }
  EXPECT_THROW(World(kAssets, cache_, 4), Error);
  EXPECT_THROW(world_->evaluation_drawing(-1, 0), Error);
  EXPECT_THROW(World::prepare(kAssets, cache_ / "nothing", progress, never), Error);
}

TEST_F(WorldTest, AnInterruptLeavesNoDrawings) {
  const std::filesystem::path cache = cache_ / "interrupted";
  std::filesystem::create_directory(cache);
  std::filesystem::create_directory_symlink(cache_ / "node_modules", cache / "node_modules");
  NullProgress progress;
  CancelToken cancel;
  cancel.cancel();
  try {
    World::prepare(kAssets, cache, progress, cancel);
    FAIL() << "was not interrupted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
    EXPECT_EQ(error.hint(), "run the same command again");
  }
  EXPECT_THROW(World(kAssets, cache, 32), Error);
}

TEST_F(WorldTest, DrawingsOfAnotherCatalogueAreRefused) {
  std::filesystem::path assets = cache_ / "assets";
  std::filesystem::create_directories(assets);
  std::filesystem::copy(kAssets, assets, std::filesystem::copy_options::recursive);
  nlohmann::json subjects = nlohmann::json::parse(std::ifstream(assets / "subjects.json"));
  std::swap(subjects["subjects"][0], subjects["subjects"][1]);
  std::ofstream(assets / "subjects.json") << subjects;
  EXPECT_THROW(World(assets, cache_, 32), Error);
}

}  // namespace
}  // namespace ziplora::mini
