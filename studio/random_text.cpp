#include "studio/random_text.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <vector>

#include "ziplora/base/error.h"

namespace ziplora::studio {

std::string random_text(size_t size_bytes) {
  std::vector<unsigned char> bytes(size_bytes);
  if (::getrandom(bytes.data(), bytes.size(), 0) !=
      static_cast<ssize_t>(size_bytes))  // whole up to 256 bytes
    throw Error(ErrorKind::kFailed, "studio", "the system gives no random bytes", "try again");
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

bool is_same_secret(std::string_view given, std::string_view expected) {
  if (given.size() != expected.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < given.size(); ++i)
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(expected[i]));
  return difference == 0;
}

}  // namespace ziplora::studio
