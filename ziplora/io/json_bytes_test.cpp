#include "ziplora/io/json_bytes.h"

#include <gtest/gtest.h>

#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

TEST(JsonBytes, AnyBytesComeBackFromJson) {
  const nlohmann::json settings{{"prompt", "caf\xE9"},
                                {"images", {"a.png", "\xFF/\xC3.png", "größe.png"}},
                                {"rank", 4},
                                {"none", nullptr},
                                {"deep", {{"name", "\xED\xA0\x80"}}}};
  const std::string text = json_line(spell_bytes(settings));
  EXPECT_EQ(text.find("\uFFFD"), std::string::npos) << text;
  EXPECT_EQ(restore_bytes(parse_json(text).value()), settings);
}

TEST(JsonBytes, WhatIsUtf8StaysAsItIs) {
  const nlohmann::json settings{{"prompt", "a dog\n\u2028"}, {"images", nlohmann::json::array()}};
  EXPECT_EQ(spell_bytes(settings), settings);
  EXPECT_EQ(restore_bytes(settings), settings);
}

TEST(JsonBytes, WhatOnlyLooksLikeBytesStays) {
  for (const char* text : {R"({"bytes":"6"})", R"({"bytes":"zz"})", R"({"bytes":1})", R"({"bytes":"+1"})"})
    EXPECT_EQ(json_line(restore_bytes(parse_json(text).value())), text);
}

}  // namespace
}  // namespace ziplora
