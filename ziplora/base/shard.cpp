#include "ziplora/base/shard.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/base/parse_number.h"

namespace ziplora {

Shard parse_shard(const std::string& text, const std::string& where) {
  constexpr const char* kHint = "name the first of four processes' part 1/4, the second's 2/4";
  const size_t slash = text.find('/');
  const auto number = parse_number<int64_t>(text.substr(0, slash)),
             count =
                 slash == std::string::npos ? std::nullopt : parse_number<int64_t>(text.substr(slash + 1));
  if (!number || !count)
    throw Error(ErrorKind::kUsage, where,
                fmt::format("'{}' is none: expected a part and their number, as 1/4", text), kHint);
  if (*number < 1 || *number > *count)
    throw Error(ErrorKind::kUsage, where,
                fmt::format("'{}': there is no part {} of {}", text, *number, *count), kHint);
  return {*number, *count};
}

}  // namespace ziplora
