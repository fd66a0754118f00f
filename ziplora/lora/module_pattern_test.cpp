#include "ziplora/lora/module_pattern.h"

#include <gtest/gtest.h>

#include <chrono>

namespace ziplora {
namespace {

const std::string kModule = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q";

TEST(ModulePattern, NamesAModuleOrItsLastParts) {
  EXPECT_TRUE(matches_module(kModule, kModule));
  EXPECT_TRUE(matches_module("to_q", kModule));
  EXPECT_TRUE(matches_module("attn1.to_q", kModule));
  EXPECT_FALSE(matches_module("o_q", kModule));
  EXPECT_FALSE(matches_module("attn1", kModule));
  EXPECT_FALSE(matches_module("to_k", kModule));
}

TEST(ModulePattern, IsARegularExpressionOfPython) {
  EXPECT_TRUE(matches_module("to_(q|k|v)", kModule));
  EXPECT_TRUE(matches_module(R"(down_blocks\.\d+\..*)", kModule));
  EXPECT_TRUE(matches_module("^down_blocks.*", kModule));
  EXPECT_TRUE(matches_module(R"(.*(?<!attn2)\.to_q)", kModule));
  EXPECT_FALSE(matches_module(R"(.*(?<!attn1)\.to_q)", kModule));
  EXPECT_FALSE(matches_module("mid_block.*", kModule));
  EXPECT_FALSE(matches_module("to_", kModule));
}

TEST(ModulePattern, HostilePatternsMatchNothingAndSoon) {
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& pattern :
       {std::string("([a-z0-9_.]+)+="), std::string("(.*.*.*.*.*.*.*.*)*="), std::string(100'000, '('),
        std::string(1999, '('), std::string("["), std::string("(?R)"), std::string("\0", 1)})
    EXPECT_FALSE(matches_module(pattern, kModule)) << pattern.substr(0, 30);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace ziplora
