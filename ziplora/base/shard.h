#pragma once
/// The part of some work that one process does, where several share a folder.
///
///     const Shard shard = parse_shard("2/3", "evaluate: --shard");
///     for (const size_t place : places)
///       if (shard.takes(place)) draw(pairs[place]);

#include <cstddef>
#include <cstdint>
#include <string>

namespace ziplora {

struct Shard {
  int64_t number = 1, count = 1;  ///< the first of one

  bool is_whole() const { return count == 1; }
  /// Every count-th place: neighbours cost about the same.
  bool takes(size_t place) const { return static_cast<int64_t>(place) % count == number - 1; }
};

/// @param text   "2/3"
/// @param where  verb and flag, for the message
/// @throws Error(kUsage)
Shard parse_shard(const std::string& text, const std::string& where);

}  // namespace ziplora
