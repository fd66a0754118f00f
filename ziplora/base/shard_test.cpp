#include "ziplora/base/shard.h"

#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

TEST(Shard, IsReadWholeOrRefused) {
  EXPECT_EQ(parse_shard("2/3", "test").number, 2);
  EXPECT_EQ(parse_shard("2/3", "test").count, 3);
  for (const char* wrong : {"", "1", "0/2", "3/2", "1/", "/2", "1/2/3", "a/b"})
    EXPECT_THROW(parse_shard(wrong, "test"), Error) << wrong;
}

TEST(Shard, PartsTakeEachPlaceOnce) {
  for (size_t place = 0; place < 7; ++place) {
    int takers = 0;
    for (int64_t number = 1; number <= 3; ++number) takers += Shard{number, 3}.takes(place);
    EXPECT_EQ(takers, 1) << place;
  }
  EXPECT_TRUE((Shard{2, 3}.takes(4)));
  EXPECT_TRUE(Shard{}.is_whole());
}

}  // namespace
}  // namespace ziplora
