#include "cli/frame/adapter_argument.h"

#include <gtest/gtest.h>

#include <fstream>

#include "ziplora/base/temporary_folder.h"

namespace ziplora::cli {
namespace {

const std::string kWhere = "generate: --adapter";

/// @return the error that the text causes
Error refused(const std::string& text) {
  try {
    parse_adapter(kWhere, text);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << text << " is accepted";
  return {ErrorKind::kInternal, "", "", ""};
}

TEST(ParseAdapter, AFileAloneHasStrengthOne) {
  const AdapterChoice choice = parse_adapter(kWhere, "cat.safetensors");
  EXPECT_EQ(choice.file, "cat.safetensors");
  EXPECT_EQ(choice.strength, 1.0);
}

TEST(ParseAdapter, TheStrengthFollowsTheLastColon) {
  EXPECT_EQ(parse_adapter(kWhere, "cat.safetensors:0.8").strength, 0.8);
  EXPECT_EQ(parse_adapter(kWhere, "cat.safetensors:-1").strength, -1.0);
  const AdapterChoice choice = parse_adapter(kWhere, "a:b.safetensors:0.5");
  EXPECT_EQ(choice.file, "a:b.safetensors");
  EXPECT_EQ(choice.strength, 0.5);
}

TEST(ParseAdapter, AFileOfTheWholeNameWins) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "ink:0.8").string();
  std::ofstream(file) << "a file";
  EXPECT_EQ(parse_adapter(kWhere, file).file, file);
  EXPECT_EQ(parse_adapter(kWhere, file).strength, 1.0);
  EXPECT_EQ(parse_adapter(kWhere, file + ":0.5").file, file);
  EXPECT_EQ(parse_adapter(kWhere, file + ":0.5").strength, 0.5);
}

TEST(ParseAdapter, WhatIsNotANumberIsAUsageErrorWithAnExample) {
  const Error error = refused("cat.safetensors:strong");
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_EQ(error.where(), "generate: --adapter cat.safetensors:strong");
  EXPECT_NE(error.problem().find("'strong' after the colon is not a number"), std::string::npos);
  EXPECT_EQ(error.hint(), "for example --adapter cat.safetensors:0.8");
  EXPECT_EQ(refused("cat.safetensors:").kind(), ErrorKind::kUsage);
  EXPECT_EQ(refused("cat.safetensors:0.8x").kind(), ErrorKind::kUsage);
}

TEST(ParseAdapter, TheStrengthIsFinite) {
  for (const char* text : {"cat.safetensors:inf", "cat.safetensors:nan"})
    EXPECT_NE(refused(text).problem().find("not a finite number"), std::string::npos) << text;
}

TEST(SplitNumber, AWholeNumberIsNotAFraction) {
  const auto [file, row] = split_number<int64_t>("generate: --initial-noise", "noise.safetensors:3", "");
  EXPECT_EQ(file, "noise.safetensors");
  EXPECT_EQ(row, 3);
  EXPECT_EQ(split_number<int64_t>("generate: --initial-noise", "noise.safetensors", "").second, std::nullopt);
  EXPECT_THROW(split_number<int64_t>("generate: --initial-noise", "noise.safetensors:1.5", ""), Error);
}

}  // namespace
}  // namespace ziplora::cli
