#include "ziplora/io/json_file.h"

#include <gtest/gtest.h>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/temporary_folder.h"

namespace ziplora {
namespace {

TEST(JsonFile, RoundTrip) {
  TemporaryFolder folder;
  const nlohmann::json json = {{"ü", {1, 2.5, nullptr, true}}};
  write_json_file(folder / "a.json", json);
  EXPECT_EQ(read_json_file(folder / "a.json"), json);
}

TEST(JsonFile, ErrorsNameLineAndColumn) {
  TemporaryFolder folder;
  write_text_file(folder / "a.json", "{\n  \"a\": ,\n}");
  try {
    read_json_file(folder / "a.json");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(error.where().find("a.json"), std::string::npos);
    EXPECT_NE(error.problem().find("at line 2, column 8"), std::string::npos) << error.problem();
    EXPECT_EQ(error.problem().find("json.exception"), std::string::npos) << error.problem();
  }
}

TEST(JsonFile, EmptyAndMissingFiles) {
  TemporaryFolder folder;
  write_text_file(folder / "empty.json", "");
  EXPECT_THROW(read_json_file(folder / "empty.json"), Error);
  EXPECT_THROW(read_json_file(folder / "none.json"), Error);
}

TEST(JsonFile, ANumberTooLargeIsAnError) {
  TemporaryFolder folder;
  write_text_file(folder / "a.json", "{\"a\": 1e999}");
  EXPECT_THROW(read_json_file(folder / "a.json"), Error);
}

TEST(JsonFile, DeepNestingIsRefusedBeforeItFillsTheStack) {
  TemporaryFolder folder;
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  write_text_file(folder / "a.json", deep);
  EXPECT_THROW(read_json_file(folder / "a.json"), Error);
  EXPECT_FALSE(parse_json(deep));
  EXPECT_TRUE(parse_json(std::string(200, '[') + std::string(200, ']')));
  EXPECT_FALSE(parse_json(std::string(201, '[') + std::string(201, ']')));
}

TEST(JsonFile, TextInsideAnotherFile) {
  const std::string brackets_in_a_string = "\"\\\"" + std::string(300, '[') + "\"";
  EXPECT_EQ(parse_json(brackets_in_a_string), nlohmann::json("\"" + std::string(300, '[')));
  EXPECT_EQ(parse_json("{\"a\": [1]}"), nlohmann::json({{"a", {1}}}));
  EXPECT_FALSE(parse_json("{\"a\": "));
  EXPECT_FALSE(parse_json(""));
  EXPECT_FALSE(parse_json("1e999"));
}

TEST(JsonFile, BytesThatAreNotUtf8BecomeTheReplacementCharacter) {
  TemporaryFolder folder;
  write_json_file(folder / "a.json", {{"a", "x\xFFy"}});
  EXPECT_EQ(read_json_file(folder / "a.json"), nlohmann::json({{"a", "x\xEF\xBF\xBDy"}}));
  EXPECT_EQ(json_line({{"a", "x\xFFy"}}), "{\"a\":\"x\xEF\xBF\xBDy\"}");
}

TEST(JsonFile, OrderedObjectsKeepTheOrderOfTheFile) {
  EXPECT_EQ(parse_ordered_json("{\"b\": 1, \"a\": 2}")->begin().key(), "b");
  EXPECT_FALSE(parse_ordered_json(std::string(201, '[') + std::string(201, ']')));
}

TEST(JsonFile, TooLargeATextIsNotParsed) {
  const TemporaryFolder folder;
  const std::string large = "\"" + std::string(40 << 20, 'x') + "\"";
  EXPECT_EQ(parse_json(large), std::nullopt);
  write_text_file(folder / "large.json", large);
  try {
    read_json_file(folder / "large.json");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(error.where().find("large.json"), std::string::npos);
    EXPECT_NE(error.problem().find("too large"), std::string::npos);
  }
  EXPECT_EQ(read_json_file(folder / "large.json", size_t{48} << 20).get<std::string>().size(),
            size_t{40} << 20);
}

}  // namespace
}  // namespace ziplora
