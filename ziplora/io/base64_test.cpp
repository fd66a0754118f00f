#include "ziplora/io/base64.h"

#include <gtest/gtest.h>

namespace ziplora {
namespace {

/// RFC 4648, section 10, and a byte that text has not.
TEST(Base64, IsThatOfTheStandard) {
  for (const auto& [bytes, text] : {std::pair<std::string, std::string>{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foobar", "Zm9vYmFy"},
                                    {std::string("\xfb\xff\0", 3), "+/8A"}})
    EXPECT_EQ(base64(bytes), text);
}

}  // namespace
}  // namespace ziplora
