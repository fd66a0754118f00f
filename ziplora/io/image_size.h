#pragma once
/// Height and width in pixels, in that order everywhere.

#include <cstdint>

namespace ziplora {

struct ImageSize {
  int64_t height = 0, width = 0;
  bool operator==(const ImageSize&) const = default;
};

}  // namespace ziplora
