#include "cli/frame/config_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <vector>

#include "cli/frame/whole_words.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora::cli {
namespace {

using nlohmann::json;

/// A small verb with an option of each sort.
struct Verb {
  Verb() {
    app.option_defaults()->always_capture_default();
    app.add_option("prompt", prompts);
    app.add_option("--guidance-scale", guidance_scale);
    app.add_option("--steps", steps);
    app.add_option("--base", base);
    app.add_flag("--grid,!--no-grid", grid);
    app.add_option("--color", color)->group(kFrameGroup);
    app.get_help_ptr()->group(kFrameGroup);
    restore_whole_words(app);
  }
  /// @param words  the last one first, as CLI11 takes them
  void parse(std::vector<std::string> words) { app.parse(std::move(words)); }

  CLI::App app{"", "generate"};
  std::vector<std::string> prompts;
  double guidance_scale = 5;
  int64_t steps = 25;
  std::optional<std::string> base;
  bool grid = false;
  std::string color = "auto";
};

TEST(ApplyConfig, FillsWhatNoFlagHasSet) {
  Verb verb;
  verb.parse({"7", "--steps"});
  apply_config({{"steps", 9}, {"guidance_scale", 2.5}, {"prompt", {"a", "[b, c]"}}, {"grid", true}}, "",
               verb.app);
  EXPECT_EQ(verb.steps, 7);
  EXPECT_EQ(verb.guidance_scale, 2.5);
  EXPECT_EQ(verb.prompts, (std::vector<std::string>{"a", "[b, c]"}));
  EXPECT_TRUE(verb.grid);
}

/// Text that CLI11 would take for a number, lists and objects, too.
TEST(ApplyConfig, ASwitchIsTrueOrFalse) {
  for (const json& value : {json("aaa"), json(uint64_t{1} << 63), json({"a", "b"}), json({true, true}),
                            json({{"a", 1}}), json(0.5)}) {
    Verb verb;
    verb.parse({});
    try {
      apply_config({{"grid", value}}, "run.json", verb.app);
      ADD_FAILURE() << value;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage) << value;
      EXPECT_NE(error.problem().find("expected true or false"), std::string::npos) << error.problem();
    }
  }
  Verb verb;
  verb.parse({});
  apply_config({{"grid", true}}, "run.json", verb.app);
  EXPECT_TRUE(verb.grid);
}

TEST(ApplyConfig, TakesKeysWithEitherKindOfStroke) {
  for (const char* key : {"guidance_scale", "guidance-scale"}) {
    Verb verb;
    verb.parse({});
    apply_config({{key, 3}}, "", verb.app);
    EXPECT_EQ(verb.guidance_scale, 3) << key;
  }
}

TEST(ApplyConfig, NullMeansNotGiven) {
  Verb verb;
  verb.parse({});
  apply_config({{"steps", nullptr}, {"base", nullptr}}, "", verb.app);
  EXPECT_EQ(verb.steps, 25);
  EXPECT_EQ(verb.base, std::nullopt);
}

TEST(ApplyConfig, RefusesUnknownKeysAndTheFramesOwn) {
  Verb verb;
  verb.parse({});
  try {
    apply_config({{"stepz", 3}}, "generate: --config run.json", verb.app);
    FAIL() << "the key is accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(error.where(), "generate: --config run.json");
    EXPECT_NE(error.problem().find("stepz"), std::string::npos);
    EXPECT_NE(error.hint().find("steps"), std::string::npos);
  }
  EXPECT_THROW(apply_config({{"color", "never"}}, "", verb.app), Error);
}

TEST(ApplyConfigFile, RefusesAMissingFileAndWhatIsNotAnObject) {
  const TemporaryFolder folder;
  Verb verb;
  verb.parse({});
  const auto kind_of = [&](const std::filesystem::path& path) {
    try {
      apply_config_file(path, verb.app);
    } catch (const Error& error) {
      EXPECT_NE(error.where().find("generate: --config"), std::string::npos);
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  EXPECT_EQ(kind_of(folder.path() / "missing.json"), ErrorKind::kInput);
  for (const char* text : {"", "[1]", "{\"steps\": }"}) {
    std::ofstream(folder.path() / "run.json") << text;
    EXPECT_EQ(kind_of(folder.path() / "run.json"), ErrorKind::kInput) << text;
  }
}

TEST(ResolvedConfig, HoldsValuesDefaultsAndNulls) {
  Verb verb;
  verb.parse({"7", "--steps", "--grid", "a fox"});
  const json config = resolved_config(verb.app);
  EXPECT_EQ(
      config,
      (json{{"prompt", {"a fox"}}, {"guidance_scale", 5}, {"steps", 7}, {"base", nullptr}, {"grid", true}}));
}

TEST(ResolvedConfig, RunsAgainUnchanged) {
  Verb first, second;
  first.parse({"7", "--steps", "--no-grid", "mini", "--base", "a fox"});
  second.parse({});
  const json config = resolved_config(first.app);
  apply_config(config, "", second.app);
  EXPECT_EQ(json(resolved_config(second.app)), config);
}

}  // namespace
}  // namespace ziplora::cli
