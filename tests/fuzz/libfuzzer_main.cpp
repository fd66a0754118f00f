// What libFuzzer calls. The environment names the target, so that one program serves them all:
//
//     ZIPLORA_FUZZ_TARGET=keys_kohya build-fuzz/fuzz /tmp/inputs
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz_target.h"

namespace {

const ziplora::FuzzTarget* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("ZIPLORA_FUZZ_TARGET");
  for (const ziplora::FuzzTarget& target : ziplora::fuzz_targets())
    if (name != nullptr && std::string_view(target.name) == name) chosen = &target;
  if (chosen != nullptr) return 0;
  std::fputs("ZIPLORA_FUZZ_TARGET has to be one of:", stderr);
  for (const ziplora::FuzzTarget& target : ziplora::fuzz_targets()) std::fprintf(stderr, " %s", target.name);
  std::fputs("\n", stderr);
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  chosen->run({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
