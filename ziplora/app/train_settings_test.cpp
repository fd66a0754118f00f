#include "ziplora/app/train_settings.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

using nlohmann::json;

/// A base folder of which only training_defaults.json matters.
class TrainSettingsTest : public testing::Test {
 protected:
  TrainSettings resolve(const json& overrides) const {
    return resolve_train_settings(base_.path(), overrides);
  }
  void write_defaults(const std::string& text) const {
    write_text_file(base_ / "training_defaults.json", text);
  }

  TemporaryFolder base_;
};

/// The error that `work` throws.
Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was refused";
  return Error(ErrorKind::kInternal, "", "");
}

TEST_F(TrainSettingsTest, WithoutDefaultsOfTheBaseTheStructDecides) {
  EXPECT_EQ(to_json(resolve(json::object())), to_json(TrainSettings{}));
}

TEST_F(TrainSettingsTest, TheBaseWinsOverTheStructAndTheUserOverBoth) {
  write_defaults(R"({"rank": 8, "lr": 0.002})");
  const TrainSettings settings = resolve({{"lr", 0.5}, {"seed", 3}});
  json expected = to_json(TrainSettings{});
  expected.update({{"rank", 8}, {"lr", 0.5}, {"seed", 3}});
  EXPECT_EQ(to_json(settings), expected);
}

TEST_F(TrainSettingsTest, EverySettingGoesThroughJsonAndBack) {
  TrainSettings settings;
  settings.alpha = 6;
  settings.random_crop = true;
  settings.class_prompt = {"a dog", "a cat"};
  settings.min_snr_gamma = 5;
  settings.dtype = at::kBFloat16;
  settings.targets = "linear";
  TrainSettings read;
  apply_train_settings(read, to_json(settings), "test");
  EXPECT_EQ(to_json(read), to_json(settings));
  EXPECT_EQ(read.alpha, 6);
  EXPECT_EQ(read.class_prompt, (std::vector<std::string>{"a dog", "a cat"}));
  EXPECT_EQ(read.dtype, at::kBFloat16);
}

TEST_F(TrainSettingsTest, NullTakesAnOptionalSettingBack) {
  write_defaults(R"({"min_snr_gamma": 5})");
  EXPECT_EQ(resolve(json::object()).min_snr_gamma, 5);
  EXPECT_EQ(resolve({{"min_snr_gamma", nullptr}}).min_snr_gamma, std::nullopt);
}

TEST_F(TrainSettingsTest, OneTextIsAListOfOneAndEmptyTextIsNone) {
  EXPECT_EQ(resolve({{"class_prompt", "a dog"}}).class_prompt, std::vector<std::string>{"a dog"});
  EXPECT_EQ(resolve({{"class_prompt", ""}}).class_prompt, std::vector<std::string>{});
}

TEST_F(TrainSettingsTest, ClassImagesNeedAPromptToBeDrawnFrom) {
  EXPECT_EQ(resolve({{"prior_images", 0}}).num_class_images(), 0);
  EXPECT_EQ(resolve({{"class_prompt", "a dog"}, {"prior_images", 7}}).num_class_images(), 7);
  EXPECT_EQ(error_of([&] { resolve({{"prior_images", 7}}); }).hint(), "add --class-prompt \"a dog\"");
  EXPECT_EQ(error_of([&] {
              resolve({{"class_prompt", "a dog"}, {"prior_images", 0}});
            }).kind(),
            ErrorKind::kUsage);
  write_defaults(R"({"prior_images": 12})");  // a base may say how many, should there be a prompt
  EXPECT_EQ(resolve(json::object()).num_class_images(), 0);
}

TEST_F(TrainSettingsTest, UnknownNamesAndChoicesGetTheNearestProposed) {
  const Error name = error_of([&] { resolve({{"rnak", 8}}); });
  EXPECT_EQ(name.kind(), ErrorKind::kUsage);
  EXPECT_EQ(name.hint(), "did you mean 'rank'?");
  const Error choice = error_of([&] { resolve({{"optimizer", "adamv"}}); });
  EXPECT_EQ(choice.kind(), ErrorKind::kUsage);
  EXPECT_EQ(choice.where(), "train: --optimizer");
  EXPECT_NE(choice.hint().find("adam"), std::string::npos) << choice.hint();
  EXPECT_EQ(error_of([&] { resolve({{"dtype", "bfloat"}}); }).hint(), "did you mean 'bfloat16'?");
}

TEST_F(TrainSettingsTest, AMistakeInTheBasesFileIsSaidToBeThere) {
  write_defaults(R"({"rank": "eight"})");
  const Error error = error_of([&] { resolve(json::object()); });
  EXPECT_EQ(error.where(), "train: " + (base_ / "training_defaults.json").string());
  EXPECT_EQ(error.problem(), "rank is \"eight\", expected a whole number");
  write_defaults("[1]");
  EXPECT_EQ(error_of([&] { resolve(json::object()); }).problem(), "expected a JSON object of settings");
}

TEST_F(TrainSettingsTest, TheLeastValueIsTakenAndLessIsRefused) {
  for (const TrainSetting& setting : train_settings_table()) {
    if (setting.minimum == -std::numeric_limits<double>::infinity() || !setting.choices.empty()) continue;
    const json current = to_json(TrainSettings{}).at(setting.name);
    if (!current.is_number() && !current.is_null()) continue;  // text has no least value
    const auto value = [&](double number) {
      return current.is_number_integer() ? json(static_cast<int64_t>(number)) : json(number);
    };
    // What belongs together is judged elsewhere: here, each setting alone.
    TrainSettings settings;
    apply_train_settings(settings, {{setting.name, value(setting.minimum)}}, "test");
    EXPECT_EQ(to_json(settings).at(setting.name), value(setting.minimum)) << setting.name;
    const Error error = error_of([&] {
      apply_train_settings(settings, {{setting.name, value(setting.minimum - 1)}}, "test");
    });
    EXPECT_EQ(error.kind(), ErrorKind::kUsage) << setting.name;
    EXPECT_NE(error.problem().find(fmt::format("expected at least {}", setting.minimum)), std::string::npos)
        << error.problem();
    EXPECT_EQ(error.hint(), "change " + setting.flag());
  }
}

TEST_F(TrainSettingsTest, NumbersThatAreNoneAreRefused) {
  EXPECT_THROW(resolve({{"lr", std::nan("")}}), Error);
  EXPECT_THROW(resolve({{"rank", 4.5}}), Error);
  EXPECT_THROW(resolve({{"buckets", 1}}), Error);
  EXPECT_NO_THROW(resolve({{"zoom", 16}}));
  EXPECT_EQ(error_of([&] { resolve({{"zoom", 16.5}}); }).hint(), "for example --zoom 2");
}

TEST_F(TrainSettingsTest, WhatDecidesNothingOfTheCourseIsNotToldOfIt) {
  json told = course_to_json(TrainSettings{});
  for (const char* name :
       {"checkpoint_every", "checkpoint_minutes", "sample_every", "sample_prompt", "format", "file_dtype"}) {
    EXPECT_FALSE(told.contains(name)) << name;
    told[name] = to_json(TrainSettings{}).at(name);
  }
  EXPECT_EQ(told, to_json(TrainSettings{})) << "everything else is";
}

TEST(TrainSetting, FlagsHaveHyphens) {
  EXPECT_EQ(find_train_setting("gradient_accumulation")->flag(), "--gradient-accumulation");
  EXPECT_EQ(find_train_setting("gradient-accumulation"), nullptr);
}

}  // namespace
}  // namespace ziplora
