#include "ziplora/base/printable.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace ziplora {
namespace {

TEST(Printable, WhatATerminalObeysIsShown) {
  EXPECT_EQ(visible("\x1b[31m\x07\r\t\x7f"), "\\x1b[31m\\x07\\x0d\\x09\\x7f");
  EXPECT_EQ(visible("\xc2\2332J"), "\\x9b2J");  // CSI of eight bits, as UTF-8
  EXPECT_EQ(visible("\xc2\x80\xc2\x9f\xc2\xa0"), "\\x80\\x9f\xc2\xa0");
  EXPECT_EQ(visible("\u202e\u202a\u2066\u2069\u200e\u200f\u061c\u2028\u2029"),
            "\\u202e\\u202a\\u2066\\u2069\\u200e\\u200f\\u061c\\u2028\\u2029");
  EXPECT_EQ(visible(std::string("\0", 1)), "\\x00");
}

TEST(Printable, OrdinaryTextStays) {
  for (const char* text :
       {"", "two\nlines", "süß … 東京 🐕", "שלום مرحبا", "👩\u200d🚀", "\u2027\u202f\u2065\u206a"})
    EXPECT_EQ(visible(text), text);
}

TEST(Printable, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(visible("caf\xe9.png"), "caf\uFFFD.png");
  EXPECT_EQ(visible("\2332J"), "\uFFFD2J");                  // CSI of eight bits
  EXPECT_EQ(visible("\xe2\x82"), "\uFFFD\uFFFD");            // cut off
  EXPECT_EQ(visible("\xc0\x9b"), "\uFFFD\uFFFD");            // ESC in two bytes
  EXPECT_EQ(visible("\xe0\x82\x9b"), "\uFFFD\uFFFD\uFFFD");  // too long
  EXPECT_EQ(visible("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");  // half a surrogate
  EXPECT_EQ(visible("\xf4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(Printable, WordsTooLongToReadLoseTheirMiddle) {
  EXPECT_EQ(visible(std::string(1000, 'x')), std::string(1000, 'x'));
  EXPECT_EQ(printable("a " + std::string(1000, 'x') + "\nb"),
            "a " + std::string(150, 'x') + "…(1000 bytes)…" + std::string(150, 'x') + "\nb");
}

TEST(Printable, JsonKeepsItsValues) {
  const nlohmann::json value = {{"key\u202e", "\x1b[2J\xc2\x9b\x7f\u2028 süß 🐕"}};
  const std::string shown = visible_json(value.dump(2));
  EXPECT_EQ(shown, "{\n  \"key\\u202e\": \"\\u001b[2J\\u009b\\u007f\\u2028 süß 🐕\"\n}");
  EXPECT_EQ(nlohmann::json::parse(shown), value);
}

}  // namespace
}  // namespace ziplora
