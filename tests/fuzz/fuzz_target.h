#pragma once
/// The fuzz targets: functions that take any bytes and return without an exception. Refusing a file is the
/// normal case; an exception that leaves a target is a bug of ours, and so is every sanitizer's report.
///
///     for (const FuzzTarget& target : fuzz_targets()) target.run(bytes);
///
/// libfuzzer_main.cpp gives them to libFuzzer (tools/fuzz.sh). replay_test.cpp runs them on what the fuzzer
/// has found interesting so far, the packs in tests/fuzz/corpus: in every `make test`, and without clang.

#include <string_view>
#include <vector>

namespace ziplora {

struct FuzzTarget {
  const char* name;  ///< also its pack in tests/fuzz/corpus
  void (*run)(std::string_view bytes);
};

const std::vector<FuzzTarget>& fuzz_targets();

/// For what must be true of every input.
/// @throws std::logic_error, which no target catches
void require(bool condition, const char* what);

// One file each; the dialects share theirs, and so do the images.
void fuzz_safetensors(std::string_view bytes);
void fuzz_keys_kohya(std::string_view bytes);
void fuzz_keys_comfy(std::string_view bytes);
void fuzz_keys_sgm(std::string_view bytes);
void fuzz_keys_omi(std::string_view bytes);
void fuzz_keys_peft(std::string_view bytes);
void fuzz_keys_diffusers(std::string_view bytes);
void fuzz_metadata(std::string_view bytes);
void fuzz_image_png(std::string_view bytes);
void fuzz_image_jpeg(std::string_view bytes);
void fuzz_image_webp(std::string_view bytes);
void fuzz_image_gif(std::string_view bytes);
void fuzz_image_bmp(std::string_view bytes);
void fuzz_image_tiff(std::string_view bytes);
void fuzz_image_heif(std::string_view bytes);

}  // namespace ziplora
