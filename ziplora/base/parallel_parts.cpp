#include "ziplora/base/parallel_parts.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <vector>

namespace ziplora {

void for_each_part(int64_t parts, int64_t threads,
                   const std::function<void(int64_t part, int64_t thread)>& work) {
  std::atomic<int64_t> next = 0;
  auto take_parts = [&](int64_t thread) {
    try {
      for (int64_t part = next++; part < parts; part = next++) work(part, thread);
    } catch (...) {
      next = parts;
      throw;
    }
  };
  std::vector<std::future<void>> others;
  for (int64_t thread = 1; thread < std::min(threads, parts); ++thread)
    others.push_back(std::async(std::launch::async, [&take_parts, thread] {
      [[maybe_unused]] const int niceness = ::nice(10);  // of this thread alone, under Linux
      take_parts(thread);
    }));
  std::exception_ptr failure;
  auto keep_first = [&failure](auto&& finish) {
    try {
      finish();
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  };
  keep_first([&] { take_parts(0); });
  for (std::future<void>& other : others) keep_first([&] { other.get(); });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace ziplora
