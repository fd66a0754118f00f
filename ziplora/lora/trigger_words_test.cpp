#include "ziplora/lora/trigger_words.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

using Words = std::vector<std::string>;

TEST(TriggerWords, OurPromptThenThePhraseThenTagsByTheirCountOverAllFolders) {
  const StringMap metadata = {
      {"ss_tag_frequency",
       R"({"1_dog": {"grass": 2, "tree": 3, "": 9}, "2_dog": {"grass": 2, "a sks dog": 8}})"},
      {"modelspec.trigger_phrase", "sks"},
      {"ziplora.prompt", "a sks dog"}};
  EXPECT_EQ(trigger_words(metadata), (Words{"a sks dog", "sks", "grass", "tree"}));
}

TEST(TriggerWords, WhatIsNoCountIsNoTag) {
  EXPECT_EQ(trigger_words({{"ss_tag_frequency", R"({"a": {"x": "5", "y": 1, "z": 0}, "b": 7})"}}),
            Words{"y"});
  for (const char* broken : {"", "[]", "{", "7"})
    EXPECT_EQ(trigger_words({{"ss_tag_frequency", broken}}), Words{});
  EXPECT_EQ(trigger_words({}), Words{});
}

}  // namespace
}  // namespace ziplora
